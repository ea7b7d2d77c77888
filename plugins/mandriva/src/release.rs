//! How the members of the family count their releases.
//!
//! Mandriva counted years (2006.0 to 2011.0), Mageia started at 1 after it, OpenMandriva went from years
//! to numbers with 3.0. A filter on `mdv` may mean any of them: a year is Mandriva's, before every release
//! of the other two; a smaller number is that of the member that is asked for.

use opkg_rpm_family::release_macro::{IfExpression, ReleaseMacro};
use opkg_sdk::filter::VersionTest;
use opkg_sdk::version::ReleaseNumber;

/// Mageia's newest release, the default of the whole family.
pub const MAGEIA_DEFAULT: u64 = 9;
const OPENMANDRIVA_DEFAULT: u64 = 6;
const MANDRIVA_DEFAULT: u64 = 2011;

/// Before, packages had the name of Mandrake.
const FIRST_MANDRIVA: u64 = 2007;

/// From here on a number is a year.
const FIRST_YEAR: u64 = 2005;

/// Holds the number of Mageia's release.
const MGAVERSION: ReleaseMacro = ReleaseMacro { name: "mgaversion", weights: &[1] };
/// 4.2.1 is 4002001.
const OMVVER: ReleaseMacro = ReleaseMacro { name: "omvver", weights: &[1_000_000, 1_000, 1] };
/// 2010.1 is 201010. (Newer ones define `mdvver` as well, older ones only this.)
const MDKVERSION: ReleaseMacro = ReleaseMacro { name: "mdkversion", weights: &[100, 10, 1] };

/// Whose release a target is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Product {
    /// Also Mandrake.
    Mandriva,
    /// Where nothing says otherwise.
    Mageia,
    /// By its own id only.
    OpenMandriva,
}

impl Product {
    /// What is meant by an id and a version.
    pub fn detect(id: &str, version: Option<&ReleaseNumber>) -> Self {
        match (id, version) {
            ("mageia", _) => Self::Mageia,
            ("openmandriva", _) => Self::OpenMandriva,
            (_, Some(version)) if version.major() >= FIRST_YEAR => Self::Mandriva,
            _ => Self::Mageia,
        }
    }

    /// Decides where a target names none.
    pub fn default_version(self) -> ReleaseNumber {
        ReleaseNumber::new([match self {
            Self::Mandriva => MANDRIVA_DEFAULT,
            Self::Mageia => MAGEIA_DEFAULT,
            Self::OpenMandriva => OPENMANDRIVA_DEFAULT,
        }])
    }

    /// What packages have behind their release: `mdv2010.1`, `mga9`, `omv6`. From each to the next, and from Mandriva to
    /// what came after, they sort as one is upgraded.
    pub fn release_tag(self, version: &ReleaseNumber) -> String {
        match self {
            Self::Mandriva if version.major() < FIRST_MANDRIVA => format!("mdk{version}"),
            Self::Mandriva => format!("mdv{version}"),
            Self::Mageia => format!("mga{}", version.major()),
            Self::OpenMandriva => format!("omv{version}"),
        }
    }

    /// The macro that the system's RPM defines, and its value.
    pub fn macro_value(self, version: &ReleaseNumber) -> (&'static str, String) {
        let counter = match self {
            Self::Mandriva => MDKVERSION,
            Self::Mageia => MGAVERSION,
            Self::OpenMandriva => OMVVER,
        };
        (counter.name, counter.value(version.components()).to_string())
    }
}

/// A version among those of all members: a first component puts years before numbers.
pub fn family_version(version: &ReleaseNumber) -> ReleaseNumber {
    let era = u64::from(version.major() < FIRST_YEAR);
    ReleaseNumber::new([&[era], version.components()].concat())
}

/// Reads what a filter on the family says.
pub fn parse_family_version(text: &str) -> Option<ReleaseNumber> {
    ReleaseNumber::parse(text).map(|version| family_version(&version))
}

/// The test for a spec, which may be built on any member.
pub fn version_expression(test: &VersionTest) -> IfExpression {
    match test.id.as_str() {
        "mageia" => MGAVERSION.comparison_expr(test.comparison, test.version.components()),
        "openmandriva" => OMVVER.comparison_expr(test.comparison, test.version.components()),
        _ => family_version_expression(test),
    }
}

fn family_version_expression(test: &VersionTest) -> IfExpression {
    use opkg_sdk::model::Comparison::{Ge, Gt, Le, Lt};
    let Some((era, version)) = test.version.components().split_first() else {
        return IfExpression { text: "0".to_owned(), is_exact: true };
    };
    let is_year = *era == 0;
    let (after, before) = (matches!(test.comparison, Ge | Gt), matches!(test.comparison, Lt | Le));
    let mut alternatives = Vec::new();
    let mut exact = true;
    let mut add = |counter: ReleaseMacro, compared: bool, whole: bool| {
        if compared {
            let expression = counter.comparison_expr(test.comparison, version);
            exact &= expression.is_exact;
            alternatives.push(expression.text);
        } else if whole {
            alternatives.push(counter.defined_expr());
        }
    };
    add(MGAVERSION, !is_year, after);
    add(OMVVER, !is_year, after);
    add(MDKVERSION, is_year, before);
    let text = match alternatives.as_slice() {
        [single] => single.clone(),
        several => several.iter().map(|text| format!("({text})")).collect::<Vec<_>>().join(" || "),
    };
    IfExpression { text, is_exact: exact }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use opkg_sdk::model::Comparison::{self, Eq, Ge, Lt};

    fn text(id: &str, comparison: Comparison, version: &str) -> String {
        let read = if id == "mdv" { parse_family_version } else { ReleaseNumber::parse };
        let test = VersionTest {
            id: id.into(),
            comparison,
            version: read(version).unwrap(),
            source_text: version.into(),
        };
        version_expression(&test).text
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
            parse_family_version(target)
                .unwrap()
                .satisfies(comparison, &parse_family_version(bound).unwrap())
                .is_satisfied
        };
        assert!(holds("9", Ge, "2010"));
        assert!(holds("2010.1", Ge, "2010"));
        assert!(holds("2010.1", Eq, "2010"));
        assert!(holds("2010.1", Lt, "9"));
        assert!(!holds("9", Eq, "2009"));
    }
}
