;; A component that exports `greet: func(name: string) -> string`.
(component
  (core module $greeter
    (memory (export "memory") 1)
    (data (i32.const 0) "Hello, ")
    (global $hello_length i32 (i32.const 7))
    (global $free (mut i32) (i32.const 16))

    ;; The canonical ABI's realloc. Memory is only ever taken: an instance greets and is dropped.
    (func $allocate (export "realloc")
      (param $old i32) (param $old_size i32) (param $align i32) (param $size i32) (result i32)
      (local $start i32)
      (local.set $start
        (i32.and
          (i32.add (global.get $free) (i32.sub (local.get $align) (i32.const 1)))
          (i32.sub (i32.const 0) (local.get $align))))
      (global.set $free (i32.add (local.get $start) (local.get $size)))
      (block $fits
        (br_if $fits
          (i32.le_u (global.get $free) (i32.mul (memory.size) (i32.const 65536))))
        (br_if $fits
          (i32.ne
            (memory.grow (i32.add (i32.div_u (local.get $size) (i32.const 65536)) (i32.const 1)))
            (i32.const -1)))
        unreachable)
      (memory.copy (local.get $start) (local.get $old) (local.get $old_size))
      (local.get $start))

    ;; Returns the address of two words: where the greeting starts, and its length in bytes.
    (func (export "greet") (param $name i32) (param $name_length i32) (result i32)
      (local $greeting i32) (local $length i32) (local $result i32)
      (local.set $length
        (i32.add (i32.add (global.get $hello_length) (local.get $name_length)) (i32.const 1)))
      (local.set $greeting
        (call $allocate (i32.const 0) (i32.const 0) (i32.const 1) (local.get $length)))
      (memory.copy (local.get $greeting) (i32.const 0) (global.get $hello_length))
      (memory.copy
        (i32.add (local.get $greeting) (global.get $hello_length))
        (local.get $name)
        (local.get $name_length))
      (i32.store8
        (i32.sub (i32.add (local.get $greeting) (local.get $length)) (i32.const 1))
        (i32.const 33)) ;; an exclamation mark
      (local.set $result
        (call $allocate (i32.const 0) (i32.const 0) (i32.const 4) (i32.const 8)))
      (i32.store (local.get $result) (local.get $greeting))
      (i32.store offset=4 (local.get $result) (local.get $length))
      (local.get $result)))

  (core instance $greeter (instantiate $greeter))
  (func $greet (param "name" string) (result string)
    (canon lift
      (core func $greeter "greet")
      (memory (core memory $greeter "memory"))
      (realloc (core func $greeter "realloc"))))
  (export "greet" (func $greet)))
