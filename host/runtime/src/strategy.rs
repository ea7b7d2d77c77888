//! Which of the engine's compilers makes machine code of a component.

use std::fmt::Display;

use crate::determinism::is_nan_free;

/// A compiler of the engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strategy {
    /// Optimises, and can make all NaNs the same.
    Cranelift,
    /// Compiles several times as fast, to code that is larger and slower. It does not know all of WebAssembly, and leaves
    /// the bits of a NaN to the processor.
    Winch,
}

impl Strategy {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Cranelift, Self::Winch];

    /// Those that may have compiled a component, the faster code first.
    pub(crate) const fn possible(is_embedded: bool) -> &'static [Self] {
        if is_embedded && HAS_WINCH { &Self::ALL } else { &[Self::Cranelift] }
    }

    /// The one for a component that nobody has compiled yet.
    ///
    /// Winch is for what is part of this program: the sandbox of hostile code is worth more than its first second, and
    /// Winch has had more holes than Cranelift (CVE-2026-34987, CVE-2026-35186).
    pub(crate) fn choose(component: &[u8], is_embedded: bool) -> Self {
        if is_embedded && HAS_WINCH && is_nan_free(component) { Self::Winch } else { Self::Cranelift }
    }

    /// Compiles with this one; with Cranelift where Winch fails, since it knows less of WebAssembly and of processors.
    ///
    /// # Errors
    /// What Cranelift says.
    pub(crate) fn or_cranelift<T, E: Display>(self, compile: impl Fn(Self) -> Result<T, E>) -> Result<T, E> {
        match compile(self) {
            Err(error) if self == Self::Winch => {
                tracing::debug!(%error, "Winch cannot compile it");
                compile(Self::Cranelift)
            }
            compiled => compiled,
        }
    }

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cranelift => "cranelift",
            Self::Winch => "winch",
        }
    }

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|strategy| strategy.name() == name)
    }
}

/// Where Winch is as well supported as Cranelift. The engine has it for aarch64, too, but does not vouch for it.
const HAS_WINCH: bool = cfg!(target_arch = "x86_64");

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn only_built_in_code_without_floats_is_compiled_the_fast_way() {
        let component =
            |code: &str| wat::parse_str(format!("(component (core module (func {code})))")).unwrap();
        let integers = component("(drop (i32.add (i32.const 1) (i32.const 2)))");
        let floats = component("(drop (f32.add (f32.const 1) (f32.const 2)))");
        let fast = if HAS_WINCH { Strategy::Winch } else { Strategy::Cranelift };
        assert_eq!(Strategy::choose(&integers, true), fast);
        assert_eq!(Strategy::choose(&integers, false), Strategy::Cranelift);
        assert_eq!(Strategy::choose(&floats, true), Strategy::Cranelift);
        for is_embedded in [false, true] {
            for bytes in [&integers, &floats] {
                let chosen = Strategy::choose(bytes, is_embedded);
                assert!(Strategy::possible(is_embedded).contains(&chosen), "what is kept is found again");
            }
        }
    }

    /// Whoever adds arithmetic of floats to one makes everybody's first run several times as long.
    #[test]
    fn every_plugin_of_this_program_is_compiled_the_fast_way() {
        for embedded in crate::embedded::ALL {
            assert!(is_nan_free(embedded.component), "{}", embedded.record().unwrap().plugin);
        }
    }

    #[test]
    fn what_winch_cannot_compile_is_left_to_cranelift() {
        let only = |able: &[Strategy]| {
            let able = able.to_vec();
            move |strategy: Strategy| {
                able.contains(&strategy).then_some(strategy).ok_or(format!("{} fails", strategy.name()))
            }
        };
        for (first, able, result) in [
            (Strategy::Winch, &Strategy::ALL[..], Ok(Strategy::Winch)),
            (Strategy::Winch, &[Strategy::Cranelift], Ok(Strategy::Cranelift)),
            (Strategy::Winch, &[], Err("cranelift fails".to_owned())),
            (Strategy::Cranelift, &Strategy::ALL, Ok(Strategy::Cranelift)),
            (Strategy::Cranelift, &[Strategy::Winch], Err("cranelift fails".to_owned())),
        ] {
            assert_eq!(first.or_cranelift(only(able)), result);
        }
    }

    #[test]
    fn names_are_read_back() {
        assert_eq!(
            Strategy::ALL.map(|strategy| Strategy::from_name(strategy.name()).unwrap()),
            Strategy::ALL
        );
        assert_eq!(Strategy::from_name("auto"), None);
    }
}
