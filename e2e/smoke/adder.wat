;; A component that exports `add: func(a: u32, b: u32) -> u32`.
;;
;; adder.wasm is this file as PyPI's wasmtime 50.0.1 assembles it, so that this module needs no PyPI:
;; python3 -c 'import sys, wasmtime; sys.stdout.buffer.write(wasmtime.wat2wasm(sys.stdin.read()))' <adder.wat >adder.wasm
(component
  (core module $adder
    (func (export "add") (param $a i32) (param $b i32) (result i32)
      (i32.add (local.get $a) (local.get $b))))
  (core instance $adder (instantiate $adder))
  (func $add (param "a" u32) (param "b" u32) (result u32)
    (canon lift (core func $adder "add")))
  (export "add" (func $add)))
