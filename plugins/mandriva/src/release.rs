//! How the members of the family count their releases.
//!
//! Mandriva counted years (2006.0 to 2011.0), Mageia started at 1 after it, OpenMandriva went from years
//! to numbers with 3.0. A filter on `mdv` may mean any of them: a year is Mandriva's, before every release
//! of the other two; a smaller number is that of the member that is asked for.

use opkg_plugin::filter::VersionTest;
use opkg_plugin::version::Version;
use opkg_rpm_family::counter::{Counter, Expression};

/// Mageia's newest release, the default of the whole family.
pub const MAGEIA: u64 = 9;
const OPENMANDRIVA: u64 = 6;
const MANDRIVA: u64 = 2011;

/// From here on a number is a year.
const FIRST_YEAR: u64 = 2005;

/// Holds the number of Mageia's release.
const MGAVERSION: Counter = Counter { name: "mgaversion", weights: &[1] };
/// 4.2.1 is 4002001.
const OMVVER: Counter = Counter { name: "omvver", weights: &[1_000_000, 1_000, 1] };
/// 2010.1 is 201010. (Newer ones define `mdvver` as well, older ones only this.)
const MDKVERSION: Counter = Counter { name: "mdkversion", weights: &[100, 10, 1] };

/// Whose release a target is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum System {
    /// Also Mandrake.
    Mandriva,
    /// Where nothing says otherwise.
    Mageia,
    /// By its own id only.
    OpenMandriva,
}

impl System {
    /// What is meant by an id and a version.
    pub fn of(id: &str, version: Option<&Version>) -> Self {
        match (id, version) {
            ("mageia", _) => Self::Mageia,
            ("openmandriva", _) => Self::OpenMandriva,
            (_, Some(version)) if version.major() >= FIRST_YEAR => Self::Mandriva,
            _ => Self::Mageia,
        }
    }

    /// Decides where a target names none.
    pub fn default_version(self) -> Version {
        Version::new([match self {
            Self::Mandriva => MANDRIVA,
            Self::Mageia => MAGEIA,
            Self::OpenMandriva => OPENMANDRIVA,
        }])
    }

    /// The macro that the system's RPM defines, and its value.
    pub fn macro_value(self, version: &Version) -> (&'static str, String) {
        let counter = match self {
            Self::Mandriva => MDKVERSION,
            Self::Mageia => MGAVERSION,
            Self::OpenMandriva => OMVVER,
        };
        (counter.name, counter.value(version.components()).to_string())
    }
}

/// A version among those of all members: a first component puts years before numbers.
pub fn among_all(version: &Version) -> Version {
    let era = u64::from(version.major() < FIRST_YEAR);
    Version::new([&[era], version.components()].concat())
}

/// Reads what a filter on the family says.
pub fn read_among_all(text: &str) -> Option<Version> {
    Version::parse(text).map(|version| among_all(&version))
}

/// The test for a spec, which may be built on any member.
pub fn expression(test: &VersionTest) -> Expression {
    match test.id.as_str() {
        "mageia" => MGAVERSION.test(test.comparison, test.version.components()),
        "openmandriva" => OMVVER.test(test.comparison, test.version.components()),
        _ => family_expression(test),
    }
}

fn family_expression(test: &VersionTest) -> Expression {
    use opkg_plugin::opkg::Comparison::{Ge, Gt, Le, Lt};
    let Some((era, version)) = test.version.components().split_first() else {
        return Expression { text: "0".to_owned(), exact: true };
    };
    let is_year = *era == 0;
    let (after, before) = (matches!(test.comparison, Ge | Gt), matches!(test.comparison, Lt | Le));
    let mut alternatives = Vec::new();
    let mut exact = true;
    let mut add = |counter: Counter, compared: bool, whole: bool| {
        if compared {
            let expression = counter.test(test.comparison, version);
            exact &= expression.exact;
            alternatives.push(expression.text);
        } else if whole {
            alternatives.push(counter.defined());
        }
    };
    add(MGAVERSION, !is_year, after);
    add(OMVVER, !is_year, after);
    add(MDKVERSION, is_year, before);
    let text = match alternatives.as_slice() {
        [single] => single.clone(),
        several => several.iter().map(|text| format!("({text})")).collect::<Vec<_>>().join(" || "),
    };
    Expression { text, exact }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use opkg_plugin::opkg::Comparison::{self, Eq, Ge, Lt};

    fn text(id: &str, comparison: Comparison, version: &str) -> String {
        let read = if id == "mdv" { read_among_all } else { Version::parse };
        let test = VersionTest {
            id: id.into(),
            comparison,
            version: read(version).unwrap(),
            written: version.into(),
        };
        expression(&test).text
    }

    #[test]
    fn every_member_answers_for_the_family() {
        assert_eq!(
            text("mdv", Ge, "2010"),
            "(0%{?mgaversion}) || (0%{?omvver}) || (0%{?mdkversion} >= 201000)"
        );
        assert_eq!(text("mdv", Lt, "2008.1"), "0%{?mdkversion} && 0%{?mdkversion} < 200810");
        assert_eq!(
            text("mdv", Eq, "9"),
            "(0%{?mgaversion} == 9) || (0%{?omvver} >= 9000000 && 0%{?omvver} < 10000000)"
        );
        assert_eq!(
            text("mdv", Lt, "9"),
            "(0%{?mgaversion} && 0%{?mgaversion} < 9) || (0%{?omvver} && 0%{?omvver} < 9000000) || \
             (0%{?mdkversion})"
        );
        assert_eq!(text("mageia", Ge, "8"), "0%{?mgaversion} >= 8");
        assert_eq!(text("openmandriva", Ge, "4.2"), "0%{?omvver} >= 4002000");
    }

    #[test]
    fn years_come_before_numbers() {
        let holds = |target: &str, comparison, bound: &str| {
            read_among_all(target).unwrap().satisfies(comparison, &read_among_all(bound).unwrap()).holds
        };
        assert!(holds("9", Ge, "2010"));
        assert!(holds("2010.1", Ge, "2010"));
        assert!(holds("2010.1", Eq, "2010"));
        assert!(holds("2010.1", Lt, "9"));
        assert!(!holds("9", Eq, "2009"));
    }
}
