//! Addresses of servers, as far as redirections need them: RFC 3986, sections 3 and 5.

/// The parts of an absolute address of HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct HttpUrl<'a> {
    /// In lower case: `http` or `https`.
    pub(crate) scheme: &'static str,
    /// Host and port, without credentials.
    pub(crate) authority: &'a str,
    /// From the first `/` on, with what is behind a `?`.
    path: &'a str,
}

/// Takes an address apart; nothing where it is no absolute address of HTTP, or holds credentials.
pub(crate) fn parse(url: &str) -> Option<HttpUrl<'_>> {
    let (scheme, rest) = url.split_once("://")?;
    let scheme = ["http", "https"].into_iter().find(|known| scheme.eq_ignore_ascii_case(known))?;
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let is_sound = |c: char| c.is_ascii_graphic() && !"\"<>\\^`{|}".contains(c);
    (!authority.is_empty() && !authority.contains('@') && url.chars().all(is_sound)).then_some(HttpUrl {
        scheme,
        authority,
        path: path.split('#').next().unwrap_or_default(),
    })
}

/// Where a server sends that was asked for `base`.
pub(crate) fn resolve(base: HttpUrl<'_>, location: &str) -> String {
    let location = location.split('#').next().unwrap_or_default();
    let HttpUrl { scheme, authority, path } = base;
    if location.split_once(':').is_some_and(|(scheme, _)| is_scheme(scheme)) {
        return location.to_owned();
    }
    if location.starts_with("//") {
        return format!("{scheme}:{location}");
    }
    let path = path.split('?').next().unwrap_or_default();
    let joined = match location.chars().next() {
        Some('/') => location.to_owned(),
        Some('?') | None => format!("{path}{location}"),
        Some(_) => {
            let directory = path.rfind('/').map_or("/", |end| &path[..=end]);
            format!("{directory}{location}")
        }
    };
    let (path, query) = match joined.split_once('?') {
        Some((path, query)) => (path, format!("?{query}")),
        None => (joined.as_str(), String::new()),
    };
    format!("{scheme}://{authority}{}{query}", remove_dots(path))
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
}

/// A path without `.` and `..`.
fn remove_dots(path: &str) -> String {
    let mut names: Vec<&str> = Vec::new();
    let mut segments = path.trim_start_matches('/').split('/').peekable();
    while let Some(segment) = segments.next() {
        let is_last = segments.peek().is_none();
        match segment {
            "." | ".." => {
                if segment == ".." {
                    names.pop();
                }
                if is_last {
                    names.push("");
                }
            }
            name => names.push(name),
        }
    }
    format!("/{}", names.join("/"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn addresses_are_taken_apart() {
        let parts = |url| parse(url).map(|it| (it.scheme, it.authority, it.path));
        assert_eq!(parts("HTTPS://a.example:8443/x?y#z"), Some(("https", "a.example:8443", "/x?y")));
        assert_eq!(parts("http://a?b"), Some(("http", "a", "?b")));
        for wrong in
            ["", "a.example/x", "ftp://a/x", "https://", "https:///x", "https://me:pw@a/x", "https://a/ x"]
        {
            assert_eq!(parts(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn redirections_are_resolved() {
        let base = parse("https://a.example/b/c?d").unwrap();
        for (location, expected) in [
            ("https://b.example/x", "https://b.example/x"),
            ("HTTP://b.example", "HTTP://b.example"),
            ("//b.example/x", "https://b.example/x"),
            ("/x?y=/../", "https://a.example/x?y=/../"),
            ("x", "https://a.example/b/x"),
            ("../../../x/./y/..", "https://a.example/x/"),
            ("?y", "https://a.example/b/c?y"),
            ("", "https://a.example/b/c"),
            ("#z", "https://a.example/b/c"),
            ("file:///etc/passwd", "file:///etc/passwd"),
        ] {
            assert_eq!(resolve(base, location), expected, "{location}");
        }
        assert_eq!(resolve(parse("http://a").unwrap(), "x"), "http://a/x");
    }
}
