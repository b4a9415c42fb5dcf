"""JSON without ambiguities, and members read by type."""

import json
import re
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wasmoci.values.errors import FormatError, LimitError
from wasmoci.values.strict_json import MAX_DEPTH, MAX_SAFE_INTEGER, JsonObject, Shape, dump, parse_object


def parse(text: str | bytes) -> JsonObject:
    data = text.encode() if isinstance(text, str) else text
    return parse_object(data, "the text", 1_000_000)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param('{"a":1,"a":1}', "same name twice", id="duplicate_name"),
        pytest.param('{"a":[{"b":1,"b":2}]}', "same name twice", id="duplicate_name_inside"),
        pytest.param('{"a":1,"\\u0061":1}', "same name twice", id="duplicate_name_escaped"),
        pytest.param('{"a":NaN}', "NaN", id="nan"),
        pytest.param('{"a":Infinity}', "Infinity", id="infinity"),
        pytest.param('{"a":-Infinity}', "-Infinity", id="negative_infinity"),
        pytest.param('{"a":1.0}', "whole", id="float"),
        pytest.param('{"a":1e3}', "whole", id="exponent"),
        pytest.param('{"a":' + "9" * 5000 + "}", "digits", id="number_of_5000_digits"),
        pytest.param("[]", "must be a JSON object", id="top_is_a_list"),
        pytest.param('"a"', "must be a JSON object", id="top_is_a_string"),
        pytest.param("null", "must be a JSON object", id="top_is_null"),
        pytest.param("", "not JSON", id="empty"),
        pytest.param("{}{}", "not JSON", id="two_values"),
        pytest.param('{"a":1,}', "not JSON", id="trailing_comma"),
        pytest.param("{'a':1}", "not JSON", id="single_quotes"),
        pytest.param('{"a":01}', "not JSON", id="leading_zero"),
        pytest.param('{"a":"\n"}', "not JSON", id="raw_newline_in_string"),
        pytest.param('{"a":1} // note', "not JSON", id="comment"),
        pytest.param(b'\xef\xbb\xbf{"a":1}', "not JSON", id="byte_order_mark"),
        pytest.param(b'{"a":"\xff"}', "not JSON", id="not_utf8"),
        pytest.param('{"a":1}'.encode("utf-16"), "not JSON", id="utf16"),
        pytest.param('{"a":"\\ud800"}', "surrogate", id="half_surrogate"),
        pytest.param('{"\\udfff":"a"}', "surrogate", id="half_surrogate_in_name"),
    ],
)
def test_ambiguous_or_broken_text_is_refused(text: str | bytes, message: str) -> None:
    with pytest.raises(FormatError, match=message) as refused:
        parse(text)
    assert "the text" in str(refused.value)


def test_numbers_with_a_fraction_are_read_where_they_may_be() -> None:
    read = parse_object(b'{"a":7.50,"b":-1E+2,"c":1}', "the text", 100, fractions=True)
    assert read.members() == {"a": 7.5, "b": -100.0, "c": 1}


@pytest.mark.parametrize("number", ["1e999", "-1e999", "NaN", "Infinity", "9" * 5000])
def test_a_number_that_is_none_is_refused_even_there(number: str) -> None:
    with pytest.raises(FormatError, match="number"):
        parse_object(b'{"a":%s}' % number.encode(), "the text", 10_000, fractions=True)


@pytest.mark.parametrize(
    ("text", "found"), [('{"a":{"b":"c","d":1,"e":null}}', {"b": "c"}), ('{"a":null}', {}), ("{}", {})]
)
def test_members_that_are_texts_are_found(text: str, found: dict[str, str]) -> None:
    assert parse(text).text_members("a") == found


def test_whole_surrogate_pair_is_one_character() -> None:
    assert parse('{"a":"\\ud83d\\ude00"}').string("a") == "\U0001f600"


def nested(depth: int, opening: str, closing: str) -> str:
    return opening * (depth - 1) + "{}" + closing * (depth - 1)


@pytest.mark.parametrize("depth", [1, 2, MAX_DEPTH])
def test_nesting_up_to_the_limit_is_read(depth: int) -> None:
    parse(nested(depth, '{"a":', "}"))


@pytest.mark.parametrize("depth", [MAX_DEPTH + 1, 5_000, 100_000])
def test_nesting_past_the_limit_is_refused(depth: int) -> None:
    for text in (nested(depth, '{"a":', "}"), '{"a":' + "[" * depth + "]" * depth + "}"):
        with pytest.raises(LimitError, match=f"limit of {MAX_DEPTH}"):
            parse(text)


@given(
    depth=st.integers(MAX_DEPTH - 3, MAX_DEPTH + 3),
    openings=st.lists(st.sampled_from(['{"a":', "["]), min_size=MAX_DEPTH + 3, max_size=MAX_DEPTH + 3),
    siblings=st.integers(0, 3),
    text=st.text("[]{}", max_size=2 * MAX_DEPTH),
)
def test_nesting_counts_and_nothing_else_that_has_brackets(
    depth: int, openings: list[str], siblings: int, text: str
) -> None:
    nest = openings[: depth - 2]
    inner = "".join(nest) + "[]" + "".join("}" if one == '{"a":' else "]" for one in reversed(nest))
    whole = json.dumps({"text": text, "siblings": [[]] * siblings})[:-1] + f',"nest":{inner}}}'
    if depth > MAX_DEPTH:
        with pytest.raises(LimitError, match=f"limit of {MAX_DEPTH}"):
            parse(whole)
    else:
        assert parse(whole).string("text") == text


def test_size_limit() -> None:
    assert parse_object(b'{"a":1}', "the text", 7).integer("a") == 1
    with pytest.raises(LimitError, match="has 7 bytes, the limit is 6"):
        parse_object(b'{"a":1}', "the text", 6)


@pytest.mark.parametrize("value", [0, 1, MAX_SAFE_INTEGER])
def test_whole_numbers_in_range_are_read(value: int) -> None:
    assert parse(f'{{"a":{value}}}').integer("a") == value


@pytest.mark.parametrize("value", ["-1", str(MAX_SAFE_INTEGER + 1), str(2**63), "true", '"1"', "null", "[]"])
def test_other_numbers_are_refused(value: str) -> None:
    with pytest.raises(FormatError, match=r"`a` must be a whole number from 0 to 2\*\*53 - 1"):
        parse(f'{{"a":{value}}}').integer("a")


@pytest.mark.parametrize("digits", [20, 21])
def test_length_of_a_number_is_bounded_before_it_is_converted(digits: int) -> None:
    with pytest.raises(FormatError, match="whole number" if digits == 20 else "21 digits, the limit is 20"):
        parse(f'{{"a":{"9" * digits}}}').integer("a")


READERS: dict[str, Callable[[JsonObject], object]] = {
    "string": lambda top: top.string("a"),
    "integer": lambda top: top.integer("a"),
    "boolean": lambda top: top.boolean("a"),
    "object": lambda top: top.object("a"),
    "objects": lambda top: top.objects("a", 9),
    "strings": lambda top: top.strings("a", 9),
}
OPTIONAL_READERS: dict[str, Callable[[JsonObject], object]] = {
    "optional_string": lambda top: top.optional_string("a"),
    "optional_object": lambda top: top.optional_object("a"),
    "string_map": lambda top: top.string_map("a"),
}


@pytest.mark.parametrize("reader", READERS)
def test_missing_member_is_refused(reader: str) -> None:
    with pytest.raises(FormatError, match="`a` is missing"):
        READERS[reader](parse("{}"))


@pytest.mark.parametrize("text", ["{}", '{"a":null}'])
def test_optional_member_may_be_absent_or_null(text: str) -> None:
    assert parse(text).optional_string("a") is None
    assert parse(text).optional_object("a") is None
    assert parse(text).string_map("a") == {}


@pytest.mark.parametrize(
    ("reader", "value"),
    [
        ("string", "1"),
        ("string", "null"),
        ("boolean", "0"),
        ("boolean", '"true"'),
        ("boolean", "null"),
        ("object", "[]"),
        ("object", "null"),
        ("objects", "{}"),
        ("objects", "[1]"),
        ("objects", "[{},[]]"),
        ("strings", '"a"'),
        ("strings", "[1]"),
        ("optional_string", "1"),
        ("optional_string", "false"),
        ("optional_object", '"a"'),
        ("string_map", "[]"),
        ("string_map", '{"b":1}'),
        ("string_map", '{"b":null}'),
    ],
)
def test_member_of_another_type_is_refused(reader: str, value: str) -> None:
    with pytest.raises(FormatError, match="must be"):
        (READERS | OPTIONAL_READERS)[reader](parse(f'{{"a":{value}}}'))


@pytest.mark.parametrize("value", [True, False])
def test_truth_values_are_read(value: bool) -> None:
    assert parse(json.dumps({"a": value})).boolean("a") is value


def test_error_for_a_hostile_name_is_one_printable_line() -> None:
    with pytest.raises(FormatError) as refused:
        parse('{"a":{"\\u001b[31m\\n":1}}').string_map("a")
    assert str(refused.value).isprintable()


@pytest.mark.parametrize("reader", ["objects", "strings"])
def test_list_limit(reader: str) -> None:
    item = {"objects": "{}", "strings": '""'}[reader]
    assert READERS[reader](parse('{"a":[' + ",".join([item] * 9) + "]}"))
    with pytest.raises(LimitError, match="`a` has 10 entries, the limit is 9"):
        READERS[reader](parse('{"a":[' + ",".join([item] * 10) + "]}"))


def test_members_are_found_by_name() -> None:
    top = parse('{"a":{"x":"1","y":""},"b":[{"c":"d"}],"e":["f"]}')
    assert "a" in top
    assert "x" not in top
    assert top.names() == {"a", "b", "e"}
    assert top.string_map("a") == {"x": "1", "y": ""}
    assert top.objects("b", 1)[0].string("c") == "d"
    assert top.strings("e", 1) == ["f"]
    assert top.object("a").where == "the text: `a`"


def test_dump_is_compact_utf8_in_insertion_order() -> None:
    assert dump({"b": 1, "a": ["\u00e9", None]}) == '{"b":1,"a":["\u00e9",null]}'.encode()


def test_dump_refuses_text_that_is_not_unicode() -> None:
    with pytest.raises(FormatError, match="surrogate"):
        dump({"a": "\udcff"})


TEXTS = st.text(alphabet='a"\\\n\u00e9\U0001f600', max_size=5)
TREES = st.recursive(
    st.none() | st.booleans() | st.integers(0, MAX_SAFE_INTEGER) | TEXTS,
    lambda children: st.lists(children, max_size=3) | st.dictionaries(TEXTS, children, max_size=3),
    max_leaves=8,
)


@settings(deadline=None, derandomize=True)
@given(st.dictionaries(TEXTS, TREES, max_size=3))
def test_what_is_dumped_is_read(value: dict[str, object]) -> None:
    assert parse(dump(value)).names() == set(value)
    assert json.loads(dump(value)) == value


@settings(deadline=None, derandomize=True)
@given(st.binary(max_size=60) | st.text(alphabet='{}[]":,0123456789.eE-+\\un \n', max_size=60).map(str.encode))
def test_arbitrary_bytes_are_read_or_refused_as_format_errors(data: bytes) -> None:
    try:
        parse(data)
    except FormatError:
        return
    json.loads(data)


NAMES = frozenset({"digest", "layers", "kind", "_type", "os.version", "mediaType"})


@pytest.mark.parametrize("protobuf", [False, True])
@pytest.mark.parametrize(
    "name",
    ["Digest", "DIGEST", "Layers", "layer\u017f", "LAYER\u017f", "\u212aind", "_Type", "o\u017f.version", "MediaType"],
)
def test_a_name_that_go_takes_for_a_known_one_is_refused(name: str, protobuf: bool) -> None:
    """Alone and beside the known one."""
    for members in ({name: 1}, {name: 1, **dict.fromkeys(NAMES)}, {**dict.fromkeys(NAMES), name: 1}):
        with pytest.raises(FormatError, match=r"the text: the name .* is another spelling of ") as refused:
            JsonObject(members, "the text").spelled(NAMES, protobuf=protobuf)
        assert str(refused.value).isascii()


@pytest.mark.parametrize("name", ["media_type", "type", "__type", "Media_Type"])
def test_the_name_of_a_proto_is_another_spelling_in_protobuf(name: str) -> None:
    read = JsonObject({name: 1}, "the text")
    assert read.spelled(NAMES) is read
    with pytest.raises(FormatError, match="another spelling of"):
        read.spelled(NAMES, protobuf=True)


@pytest.mark.parametrize("names", [("x", "X"), ("stra\u00dfe", "STRA\u00dfE"), ("\u00e9", "\u00c9"), ("k", "\u212a")])
def test_two_unknown_names_that_go_takes_for_one_are_refused(names: tuple[str, str]) -> None:
    with pytest.raises(FormatError, match="another spelling of"):
        JsonObject(dict.fromkeys(names), "the text").spelled(NAMES)


@pytest.mark.parametrize("name", ["digests", "di-gest", "\u0131", "\ufb01", "ss", "\u00df", "org.example", ""])
def test_other_names_are_no_spelling(name: str) -> None:
    read = JsonObject({"digest": 1, "\u1e9e": 2, name: 3}, "the text")
    assert read.spelled(NAMES) is read


def test_only_names_of_the_shape() -> None:
    shape: Shape = {"a": {"b": None}, "c": None}
    for members in ({}, {"a": {"b": {"free": 1}}}, {"a": [{"b": 1}, 2]}, {"a": None, "c": {"free": [1]}}):
        read = JsonObject(members, "the text")
        assert read.only(shape) is read
    bad: dict[str, dict[str, object]] = {"": {"A": 1}, ": `a`": {"a": {"x": 1}}, ": `a`[1]": {"a": [{}, {"x": 1}]}}
    for where, unknown in bad.items():
        with pytest.raises(FormatError, match=re.escape(f"the text{where}: the name ") + "'.' is unknown"):
            JsonObject(unknown, "the text").only(shape)
