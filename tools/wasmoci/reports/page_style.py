"""How the page looks: on a telephone, in the dark, on paper."""

CSS = """
:root { color-scheme: light dark; --ink: #1b1f24; --paper: #fff; --dim: #57606a; --line: #8c959f;
  --good: #116329; --bad: #a40e26; --open: #6b4a00; --box: #f3f5f7; --link: #0550ae; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --paper: #0d1117; --dim: #9ea7b3; --line: #7d8590;
  --good: #56d364; --bad: #ff8f87; --open: #e3b341; --box: #1c2128; --link: #79c0ff; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 1rem/1.45 system-ui, sans-serif; }
main { max-width: 60rem; margin: 0 auto; padding: 1rem; }
h1, h2, h3, p, dd, li, td, small { overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; margin: 0 0 .5rem; }
h2 { font-size: 1.2rem; margin: 1.5rem 0 .5rem; border-top: 2px solid var(--line); padding-top: .75rem; }
h3 { font-size: 1rem; margin: 1rem 0 .25rem; }
a { color: var(--link); }
small, dt, figcaption, caption { color: var(--dim); font-size: .875rem; }
dl { margin: .5rem 0; }
dl div { display: grid; grid-template-columns: 5.5rem 1fr; gap: .5rem; }
dd { margin: 0; }
ul { margin: 0; padding: 0; list-style: none; }
li { padding: .35rem 0 .35rem .6rem; border-left: 3px solid var(--line); margin-bottom: .25rem; }
li.met { border-left-color: var(--good); }
li.unmet { border-left: 3px dashed var(--bad); }
ul.names { columns: 18rem; }
ul.names li { border: 0; padding: 0; }
code { font-size: .875rem; }
pre { background: var(--box); padding: .75rem; overflow-x: auto; margin: 0; }
table { border-collapse: collapse; width: 100%; }
caption { text-align: left; }
th, td { text-align: left; vertical-align: top; padding: .35rem .5rem; border-bottom: 1px solid var(--line); }
.verified, .would_be_verified { --mark: var(--good); }
.refused, .would_be_refused { --mark: var(--bad); }
.not_checked, .nothing_asked { --mark: var(--open); }
.badge { color: var(--mark); }
figure { margin: .75rem 0; }
.chain { width: 100%; max-width: 26rem; height: auto; display: block; }
.chain text { fill: var(--ink); font-size: 11px; }
.chain .title { fill: var(--ink); font-weight: 600; }
.chain .outline { fill: var(--box); stroke: var(--good); stroke-width: 1.5; }
.chain .mark { fill: none; stroke: var(--good); stroke-width: 2; }
.chain .unmet .outline { stroke: var(--bad); stroke-dasharray: 6 3; }
.chain .unmet .mark { stroke: var(--bad); }
.chain .unknown .outline { stroke: var(--open); stroke-dasharray: 2 3; }
.chain .unknown .mark { stroke: var(--open); }
.chain .line { fill: none; stroke: var(--line); stroke-width: 1.5; }
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
@media print {
  :root { --ink: #000; --paper: #fff; --dim: #333; --line: #777; --good: #116329; --bad: #a40e26; --open: #6b4a00;
    --box: #fff; --link: #000; }
  body { font-size: 8.5pt; line-height: 1.25; }
  main { max-width: none; padding: 0; }
  h1 { font-size: 13pt; } h2 { font-size: 11pt; } h3 { font-size: 9pt; margin-top: .5rem; break-after: avoid; }
  small, dt, figcaption, caption, code { font-size: 7.5pt; }
  .chain { max-width: 9cm; }
  li { padding: .1rem 0 .1rem .4rem; break-inside: avoid; }
  pre { white-space: pre-wrap; overflow-wrap: anywhere; padding: 0; }
}
"""
