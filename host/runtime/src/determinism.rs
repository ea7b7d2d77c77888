//! Whether what a component computes can depend on the processor.
//!
//! WebAssembly leaves one thing to the processor: the bits of a NaN that an arithmetic instruction returns.

use wasmparser::{FunctionBody, Operator, Parser, Payload};

/// Whether no instruction of a component, its nested modules and components included, can make a NaN whose bits are up to
/// the processor. Constants, moves, comparisons and conversions of floating-point numbers cannot; arithmetic can.
///
/// Only instructions that are known here count as harmless, so the answer for what this release has never heard of, and for
/// what is no component at all, is no.
pub(crate) fn is_nan_free(component: &[u8]) -> bool {
    Parser::new(0).parse_all(component).all(|payload| match payload {
        Ok(Payload::CodeSectionEntry(body)) => is_body_nan_free(&body).unwrap_or(false),
        // The code of what else is there is constant expressions, and these know no arithmetic of floats.
        Ok(_) => true,
        Err(_) => false,
    })
}

fn is_body_nan_free(body: &FunctionBody<'_>) -> wasmparser::Result<bool> {
    for operator in body.get_operators_reader()? {
        if !is_operator_nan_free(&operator?) {
            return Ok(false);
        }
    }
    Ok(true)
}

fn is_operator_nan_free(operator: &Operator<'_>) -> bool {
    /// The proposal of WebAssembly that an instruction is from.
    macro_rules! proposal {
        ($( @$proposal:ident $name:ident $({ $($field:ident: $type:ty),* })? => $visit:ident ($($rest:tt)*))*) => {
            match operator {
                $( Operator::$name { .. } => stringify!($proposal), )*
                _ => "unknown",
            }
        }
    }
    match wasmparser::for_each_operator!(proposal) {
        "mvp" => !is_float_arithmetic(operator),
        "sign_extension" | "saturating_float_to_int" | "bulk_memory" | "reference_types" => true,
        _ => false,
    }
}

/// The instructions of WebAssembly 1.0 whose NaNs are not determined. `abs`, `neg` and `copysign` only touch the sign.
fn is_float_arithmetic(operator: &Operator<'_>) -> bool {
    use Operator as Op;
    matches!(
        operator,
        Op::F32Ceil
            | Op::F32Floor
            | Op::F32Trunc
            | Op::F32Nearest
            | Op::F32Sqrt
            | Op::F32Add
            | Op::F32Sub
            | Op::F32Mul
            | Op::F32Div
            | Op::F32Min
            | Op::F32Max
            | Op::F64Ceil
            | Op::F64Floor
            | Op::F64Trunc
            | Op::F64Nearest
            | Op::F64Sqrt
            | Op::F64Add
            | Op::F64Sub
            | Op::F64Mul
            | Op::F64Div
            | Op::F64Min
            | Op::F64Max
            | Op::F32DemoteF64
            | Op::F64PromoteF32
    )
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::proptest_config;

    fn module(body: &str) -> Vec<u8> {
        wat::parse_str(format!("(module (memory 1) (func (param f32 f64 v128) {body}))")).unwrap()
    }

    /// Every instruction with floats of WebAssembly 1.0, and whether its NaNs are determined.
    #[test]
    fn arithmetic_counts_and_moves_do_not() {
        for size in ["f32", "f64"] {
            let operand = format!("({size}.const nan:0x7)");
            for (names, operands, is_free) in [
                ("add sub mul div min max", 2, false),
                ("ceil floor trunc nearest sqrt", 1, false),
                ("copysign eq ne lt gt le ge", 2, true),
                ("abs neg", 1, true),
            ] {
                for name in names.split(' ') {
                    let code = format!("(drop ({size}.{name} {}))", operand.repeat(operands));
                    assert_eq!(is_nan_free(&module(&code)), is_free, "{code}");
                }
            }
            for int in ["i32", "i64"] {
                for sign in ["s", "u"] {
                    for code in [
                        format!("({int}.trunc_{size}_{sign} {operand})"),
                        format!("({int}.trunc_sat_{size}_{sign} {operand})"),
                        format!("({size}.convert_{int}_{sign} ({int}.const 1))"),
                    ] {
                        assert!(is_nan_free(&module(&format!("(drop {code})"))), "{code}");
                    }
                }
            }
            for code in [
                format!("({size}.store (i32.const 0) ({size}.load (i32.const 8)))"),
                format!("(drop (select {operand} {operand} (i32.const 1)))"),
            ] {
                assert!(is_nan_free(&module(&code)), "{code}");
            }
        }
        for (code, is_free) in [
            ("(local.set 0 (f32.demote_f64 (local.get 1)))", false),
            ("(local.set 1 (f64.promote_f32 (local.get 0)))", false),
            ("(drop (i32.reinterpret_f32 (local.get 0)))", true),
            ("(drop (f64.reinterpret_i64 (i64.const -1)))", true),
            ("(memory.fill (i32.const 0) (i32.extend8_s (i32.const 1)) (i32.const 2))", true),
            ("", true),
        ] {
            assert_eq!(is_nan_free(&module(code)), is_free, "{code}");
        }
    }

    /// What is beyond these proposals is not looked at any closer: vectors of floats are among them.
    #[test]
    fn other_instructions_are_not_trusted() {
        for code in [
            "(drop (f32x4.add (local.get 2) (local.get 2)))",
            "(drop (f32x4.relaxed_madd (local.get 2) (local.get 2) (local.get 2)))",
            "(drop (v128.not (local.get 2)))",
            "(drop (i32.atomic.load (i32.const 0)))",
            "return_call 0",
        ] {
            assert!(!is_nan_free(&module(code)), "{code}");
        }
    }

    #[test]
    fn nested_modules_count() {
        let nested = |code: &str| {
            let bytes = wat::parse_str(format!(
                "(component (core module (func (nop)))
                    (component (component (core module (func (nop)) (func {code})))))"
            ));
            is_nan_free(&bytes.unwrap())
        };
        assert!(nested("(drop (f64.const 1))"));
        assert!(!nested("(drop (f64.add (f64.const 1) (f64.const 1)))"));
    }

    #[test]
    fn what_is_no_component_is_not_trusted() {
        let whole = module("(drop (i32.add (i32.const 1) (i32.const 1)))");
        assert!(is_nan_free(&whole));
        for bytes in [b"".as_slice(), b"\0asm", b"#!/bin/sh\n"] {
            assert!(!is_nan_free(bytes));
        }
        assert!(!is_nan_free(&whole[..whole.len() - 1]), "cut off");
    }

    proptest! {
        #![proptest_config(proptest_config())]

        /// Nothing that is read makes it panic.
        #[test]
        fn damage_is_survived(place in any::<prop::sample::Index>(), byte in any::<u8>()) {
            let mut bytes = module("(drop (f32.add (f32.const 1) (f32.const 1)))");
            let place = place.index(bytes.len());
            bytes[place] = byte;
            is_nan_free(&bytes);
        }
    }
}
