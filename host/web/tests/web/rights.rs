//! What people may do whom a proxy names, from the table of all that can be asked.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::thread::JoinHandle;
use std::time::Duration;

use opkg_oda::{Rights, Store};
use opkg_web::{ListenAddress, ProxySettings, ROUTES, Route, Server, SignIn, StopHandle};

use crate::html::ParsedPage;
use crate::test_server::{Response, input_value, open_database, settings};

const EVERYBODY: [Option<Rights>; 4] =
    [None, Some(Rights::Viewer), Some(Rights::Operator), Some(Rights::Administrator)];

/// The server as a proxy sees it. Whoever asks is called pat, and has the rights of a group that is called as these are.
struct Proxied {
    directory: tempfile::TempDir,
    stop: StopHandle,
    server: Option<JoinHandle<()>>,
}

impl Proxied {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let proxy = ProxySettings {
            user_header: "x-remote-user".parse().unwrap(),
            groups_header: Some("x-remote-groups".parse().unwrap()),
            addresses: Vec::new(),
            public_url: "https://opm.example.org".parse().unwrap(),
        };
        let groups = Rights::ALL.map(|rights| format!("{rights} = \"{rights}\"")).join("\n");
        let mut settings = settings(directory.path(), "echo \"opm $* for $OPM_AUTHOR\"\n");
        settings.sign_in = SignIn::Proxy(proxy);
        settings.people = toml::from_str(&format!("[groups]\n{groups}")).unwrap();
        let socket = ListenAddress::Socket(directory.path().join("socket"));
        let server = Server::bind(&socket, None, settings).unwrap();
        assert_eq!(server.login_url(), "https://opm.example.org");
        let stop = server.stop_handle();
        Self { directory, stop, server: Some(std::thread::spawn(move || server.run().unwrap())) }
    }

    /// Reads a response that has a length, and of any other the head.
    fn send(&self, request: &str) -> Response {
        let mut stream = UnixStream::connect(self.directory.path().join("socket")).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut reader = BufReader::new(stream);
        let mut text = String::new();
        while !text.ends_with("\r\n\r\n") {
            assert_ne!(reader.read_line(&mut text).unwrap(), 0, "{text}");
        }
        let length = Response::parse(&text).header("content-length").map_or(0, |it| it.parse().unwrap());
        reader.take(length).read_to_string(&mut text).unwrap();
        Response::parse(&text)
    }

    fn get(&self, rights: Option<Rights>, path: &str) -> Response {
        self.send(&format!("GET /{path} HTTP/1.1\r\n{}\r\n", identity(rights)))
    }

    fn post(&self, rights: Option<Rights>, path: &str, form: &str) -> Response {
        // The session is that of the name, whatever its rights are at the time.
        let token = input_value(&self.get(Some(Rights::Operator), "requests").body, "form").to_owned();
        let form = format!("form={token}&{form}");
        self.send(&format!(
            "POST /{path} HTTP/1.1\r\n{}Origin: https://opm.example.org\r\nContent-Type: \
             application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
            identity(rights),
            form.len()
        ))
    }

    fn ask(&self, rights: Option<Rights>, route: &Route) -> Response {
        let path = example(route.pattern);
        if route.is_form() { self.post(rights, &path, "") } else { self.get(rights, &path) }
    }
}

impl Drop for Proxied {
    fn drop(&mut self) {
        self.stop.stop();
        let ended = self.server.take().map(JoinHandle::join);
        if !std::thread::panicking() {
            ended.unwrap().unwrap();
            assert!(!self.directory.path().join("socket").exists());
        }
    }
}

fn identity(rights: Option<Rights>) -> String {
    let group = rights.map_or("nothing", Rights::name);
    format!("Host: opm.example.org\r\nX-Remote-User: pat\r\nX-Remote-Groups: staff, {group}\r\n")
}

/// A path that fits a pattern, of something that is there.
fn example(pattern: &str) -> String {
    let segment = |part: &str| match part {
        "{package}" => "munge".to_owned(),
        "{target}" => "server:head".to_owned(),
        "{image}" => "login".to_owned(),
        "{run}" | "{step}" => "1".to_owned(),
        fixed => {
            assert!(!fixed.contains('{'), "say here what may stand for {fixed}");
            fixed.to_owned()
        }
    };
    pattern.split('/').map(segment).collect::<Vec<_>>().join("/")
}

/// The route that answers, of pages or of forms.
fn find_route(path: &str, is_form: bool) -> &'static Route {
    let fits = |route: &&Route| {
        let (parts, segments) = (route.pattern.split('/'), path.split('/'));
        parts.clone().count() == segments.clone().count()
            && parts.zip(segments).all(|(part, segment)| part.starts_with('{') || part == segment)
    };
    let mut routes = ROUTES.iter().filter(|route| route.is_form() == is_form);
    routes.find(fits).unwrap_or_else(|| panic!("nothing answers {path}"))
}

#[test]
fn everything_takes_the_rights_that_it_says() {
    let server = Proxied::new();
    let before = open_database(&server.directory.path().join("oda.db")).load().unwrap();
    for route in ROUTES {
        for rights in EVERYBODY {
            let response = server.ask(rights, route);
            let context = format!("{} for {rights:?}: {response:?}", route.pattern);
            if rights >= Some(route.rights) {
                assert!([200, 303].contains(&response.status), "{context}");
                continue;
            }
            assert_eq!(response.status, 403, "{context}");
            let said = match rights {
                None => "pat has no rights here.".to_owned(),
                Some(_) => format!("That takes the rights of {}.", route.rights.with_article()),
            };
            assert!(response.body.contains(&said), "{context}");
            assert_eq!(ParsedPage::parse(&response.body).lint(), [""; 0], "{context}");
        }
    }
    // None of the forms said anything that could be done.
    assert_eq!(open_database(&server.directory.path().join("oda.db")).load().unwrap(), before);
}

#[test]
fn pages_offer_what_their_reader_may_do_and_nothing_else() {
    let server = Proxied::new();
    for rights in Rights::ALL {
        let mut offered = BTreeSet::new();
        // Of each kind a few pages.
        let mut visited: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
        let mut open = vec![String::new()];
        while let Some(path) = open.pop() {
            let route = find_route(&path, false);
            let seen = visited.entry(route.pattern).or_default();
            if seen.len() >= 8 || !seen.insert(path.clone()) {
                continue;
            }
            let html = server.get(Some(rights), &path).body;
            assert_eq!(ParsedPage::parse(&html).lint(), [""; 0], "{path}");
            assert!(html.contains(&format!("pat <span class=\"purpose\">{rights}</span>")), "{path}: {html}");
            let links = html
                .split("<a ")
                .skip(1)
                .filter_map(|rest| rest.split_once("href=\""))
                .map(|it| (it.1, false));
            let actions = html.split("method=\"post\" action=\"").skip(1).map(|rest| (rest, true));
            for (rest, is_form) in links.chain(actions) {
                let url = rest.split(['"', '?', '#']).next().unwrap();
                let url = url.strip_prefix("./").unwrap_or(url.strip_prefix('/').unwrap_or(url));
                let linked = find_route(url, is_form);
                assert!(rights >= linked.rights, "{path} leads a {rights} to {url}");
                offered.insert((linked.pattern, is_form));
                if !is_form {
                    open.push(url.to_owned());
                }
            }
        }
        let may = ROUTES.iter().filter(|route| route.pattern != "live" && rights >= route.rights);
        let hidden: Vec<_> =
            may.map(|it| (it.pattern, it.is_form())).filter(|route| !offered.contains(route)).collect();
        assert_eq!(hidden, [], "{rights}");
    }
}

#[test]
fn what_readers_with_fewer_rights_see() {
    let server = Proxied::new();
    let viewer = Some(Rights::Viewer);
    for (name, path) in [
        ("viewer_package", "packages/ganglia"),
        ("viewer_pair_error", "packages/slurm/on/server:head"),
        ("viewer_refused", "requests"),
    ] {
        let html = server.get(viewer, path).body;
        insta::assert_snapshot!(name, html.replace(server.directory.path().to_str().unwrap(), "/SITE"));
    }
    insta::assert_snapshot!("nobody_refused", server.get(None, "").body);
}

#[test]
fn who_asked_is_in_the_journal_and_known_to_what_is_started() {
    let server = Proxied::new();
    let operator = Some(Rights::Operator);
    assert_eq!(server.post(operator, "hold", "packages=munge").status, 303);
    let refused = server.post(operator, "run", "");
    assert!(refused.body.contains("You have those of an operator."), "{refused:?}");
    assert_eq!(server.post(Some(Rights::Administrator), "phase", "phase=netboot").status, 303);
    let html = server.get(operator, "requests").body;
    assert!(html.contains("opm phase set netboot for pat\n"), "{html}");
    let commands = open_database(&server.directory.path().join("oda.db")).commands(10).unwrap();
    let commands: Vec<_> = commands.iter().map(|it| (it.who.as_str(), it.command.as_str())).collect();
    assert_eq!(commands, [("pat", "opm web: hold munge")]);
}

#[test]
fn whoever_the_proxy_does_not_name_gets_nothing() {
    let server = Proxied::new();
    let ask = |path: &str, headers: &str| {
        server.send(&format!("GET {path} HTTP/1.1\r\nHost: opm.example.org\r\n{headers}\r\n"))
    };
    let pat = "X-Remote-User: pat\r\nX-Remote-Groups: viewer\r\n";
    assert_eq!(ask("/", pat).status, 200);
    for (headers, why) in [
        (String::new(), "The proxy does not say who you are."),
        (pat.repeat(2), "The proxy does not say who you are."),
        (format!("X-Remote-User: ada\r\n{pat}"), "The proxy does not say who you are."),
        (pat.replace("pat", "ada, pat"), "The proxy does not say who you are."),
        (pat.replace("viewer", "none"), "pat has no rights here."),
        (format!("{pat}Sec-Fetch-Site: cross-site\r\n"), "This is not the address of these pages."),
    ] {
        let response = ask("/", &headers);
        assert_eq!(response.status, 403, "{headers}");
        assert!(response.body.contains(why), "{headers}: {}", response.body);
    }
    let elsewhere = server.send(&format!("GET / HTTP/1.1\r\nHost: evil.example\r\n{pat}\r\n"));
    assert!(elsewhere.status == 403 && elsewhere.body.contains("Open https://opm.example.org instead."));
    // There is no token that would let anybody in.
    assert_eq!(ask("/?token=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "").status, 403);
    let form = "form=x&packages=munge";
    let forged = server.send(&format!(
        "POST /hold HTTP/1.1\r\n{}Sec-Fetch-Site: same-origin\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         Content-Length: {}\r\n\r\n{form}",
        identity(Some(Rights::Administrator)),
        form.len()
    ));
    assert!(forged.status == 403 && forged.body.contains("The form has expired"), "{forged:?}");
}
