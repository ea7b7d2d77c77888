//! `opm web` in a real browser: a form is filled in and the stage goes on, a run is watched, the keyboard is enough, and
//! a hostile form does nothing.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Stdio};

use fs_err as fs;
use opkg_tests::browser::{Browser, ENTER, TAB};
use opkg_tests::{corpus, process};
use rustix::process::{Pid, Signal, kill_process};

use crate::cluster_fixture::{self, ClusterFixture};

/// A site, and the browser at its pages.
struct WebFixture {
    server: Child,
    /// `http://127.0.0.1:PORT`
    origin: String,
    /// With the path of the session.
    base_url: String,
    browser: Browser,
    site: ClusterFixture,
}

impl WebFixture {
    fn new(site: ClusterFixture) -> Self {
        let mut command = site.command(&["web", "--listen", "0"]);
        let mut server =
            command.stdout(Stdio::piped()).stderr(Stdio::null()).process_group(0).spawn().unwrap();
        let mut address = String::new();
        BufReader::new(server.stdout.take().unwrap()).read_line(&mut address).unwrap();
        let address = address.trim();
        let browser = Browser::start();
        browser.open(address);
        let (origin, token) = address.split_once("/?token=").unwrap();
        let current = browser.current_url();
        assert!(!current.contains(token), "the token is gone from the address: {current}");
        let base_url = current.strip_suffix('/').unwrap().to_owned();
        Self { server, origin: origin.to_owned(), base_url, browser, site }
    }

    fn open(&self, path: &str) {
        self.browser.open(&format!("{}{path}", self.base_url));
    }

    fn home(&self) -> PathBuf {
        package_home(&self.site, "demo")
    }

    /// Everything that must hold at the end, whatever was done.
    fn finish(mut self) {
        assert_eq!(self.browser.console_messages(), [""; 0]);
        let process = Pid::from_child(&self.server);
        kill_process(process, Signal::INT).unwrap();
        let ended = self.server.wait().unwrap();
        assert_eq!(ended.code(), Some(0), "Ctrl-C ends it cleanly");
    }
}

impl Drop for WebFixture {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

fn package_home(site: &ClusterFixture, package: &str) -> PathBuf {
    site.0.join("head/usr/lib/oscar/packages").join(package)
}

fn is_supported() -> bool {
    cluster_fixture::is_supported() && Browser::is_available()
}

/// A form with one of each, of which one has to be answered.
const FORM: &str = r#"<html><head><title>Demo's questions</title></head><body><h2>Where</h2>
<form>
<p>Some words & an <b>explanation</b>.</p>
Address of the server: <input name="server" maxlength="12" required><br>
<input type="checkbox" name="compute" value="YES" checked>Compute on the head node</input><br>
<input type="radio" name="level" value="1" checked>quiet</input>
<input type="radio" name="level" value="2">loud</input><br>
Kind: <select name="kind"><option value="a">Kind A<option value="b">Kind B</select><br>
Text: <textarea name="text">one
two</textarea><br>
Password: <input type="password" name="word"><br>
<input type="submit" value="Send">
</form></body></html>"#;

#[test]
fn a_form_is_filled_in_and_the_stage_goes_on() {
    if !is_supported() {
        return;
    }
    let site = ClusterFixture::new();
    fs::write(package_home(&site, "demo").join("configurator.html"), FORM).unwrap();
    // Until somebody has seen it at work.
    let hook = "#!/bin/sh\necho working\nwhile [ ! -e /hooks/seen ]; do sleep 0.05; done\necho done\n";
    cluster_fixture::write_executable(&package_home(&site, "demo").join("api-post-deploy"), hook);
    site.opm(&["run", "--quiet"]);
    let web = WebFixture::new(site);
    let browser = &web.browser;
    browser.wait_for_text("main", "for its configuration: an answer to `server`");
    browser.save_screenshot("status-waits");
    browser.find_link("Its form").click();

    browser.wait_for_text("h1", "Demo's questions");
    assert_eq!(browser.find("#f0-problem").text(), "This must be answered.");
    browser.save_screenshot("form");
    browser.find("#f0").fill("head.example.org & <more>");
    browser.find("#f5").type_text("s<e>c&ret");
    browser.find("button.main").click();
    browser.wait_for_text("[role=alert]", "Nothing was saved yet");
    assert_eq!(browser.find("#f0-problem").text(), "This has 25 characters, and takes at most 12.");
    assert_eq!(browser.find("#f0").value(), "head.example.org & <more>", "what was typed is kept");
    assert_eq!(browser.find("#f5").value(), "");
    browser.save_screenshot("form-refused");

    browser.find("#f0").fill("a<b>&\"'é");
    browser.find("label[for=f2-2]").click();
    browser.find("#f5").fill("s<e>c&ret");
    browser.find("#f4").fill("two\n\nlines ]]>");
    browser.find("#f1").click();
    browser.find("button.main").click();
    assert!(browser.wait_for_text(".notice", "Saved.").contains("The next run takes it"));
    assert_eq!(browser.find("#f0").value(), "a<b>&\"'é");
    assert_eq!(browser.evaluate("return document.documentElement.outerHTML.includes('s&lt;e')"), false);
    browser.save_screenshot("form-saved");

    browser.find_link("Requests").click();
    browser.find("form[action='run'] button").click();
    browser.wait_for_text(".notice", "A run has begun");
    browser.save_screenshot("requests");
    browser.find_link("Status").click();
    // Nobody loads the page again from here on.
    browser.wait_for_text("td.running", "*");
    browser.save_screenshot("status-running");
    fs::write(web.site.0.join("head/hooks/seen"), "").unwrap();
    browser.wait_for_text("td.done", "+");
    browser.wait_for_text(".legend", "done 3");
    browser.wait_for_text("#update-status", "Follows what changes");

    let values = fs::read_to_string(web.home().join(".configurator.values")).unwrap();
    assert_eq!(
        values,
        "<config>\n  <server>a&lt;b&gt;&amp;\"'é</server>\n  <level>2</level>\n  <kind>a</kind>\n  \
         <text>two\n\nlines ]]&gt;</text>\n  <word>s&lt;e&gt;c&amp;ret</word>\n</config>\n"
    );
    web.open("/packages/demo/on/server:head");
    browser.wait_for_text("main", "api-post-deploy");
    browser.save_screenshot("pair");
    browser.find(".journal th a").click();
    browser.wait_for_text("main", "What it printed");
    browser.save_screenshot("step");
    web.open("/runs");
    browser.save_screenshot("runs");
    web.finish();
}

#[test]
fn a_hostile_form_does_nothing() {
    if !is_supported() {
        return;
    }
    let site = ClusterFixture::new();
    let form = r#"<html><head><title></title><script>window.hacked = 1</script></title>
<title>&lt;script>window.hacked = 2&lt;/script></title><meta http-equiv="refresh" content="0;url=http://evil.example/">
<base href="http://evil.example/"><link rel="stylesheet" href="http://evil.example/x.css"></head>
<body onload="window.hacked = 3" style="background: url(http://evil.example/x.png)">
<form action="http://evil.example/" onsubmit="window.hacked = 4">
<h1 onclick="window.hacked = 5">&lt;img src=x onerror="window.hacked = 6"></h1>
<img src="http://evil.example/y.png" onerror="window.hacked = 7"><iframe src="javascript:window.hacked = 8"></iframe>
&lt;/main>&lt;script>window.hacked = 9&lt;/script>
<input name="a" value='"><script>window.hacked = 10</script>' onfocus="window.hacked = 11" autofocus>
<textarea name="b"></textarea><script>window.hacked = 12</script>&lt;/textarea>&lt;script>window.hacked = 13&lt;/script></textarea>
<select name="c"><option value='"><script>window.hacked = 14</script>'>&lt;svg onload=window.hacked=15></select>
<input type="image" src="javascript:window.hacked = 16"><button formaction="javascript:window.hacked = 17">x</button>
<a href="javascript:window.hacked = 18" style="position:fixed;inset:0">everywhere</a><svg onload="window.hacked = 19"></svg>
</form></body></html>"#;
    fs::write(package_home(&site, "demo").join("configurator.html"), form).unwrap();
    site.opm(&["run", "--quiet"]);
    let web = WebFixture::new(site);
    let browser = &web.browser;
    web.open("/packages/demo/form");
    browser.find("#f0").click();
    assert_eq!(browser.find("#f0").value(), "\"><script>window.hacked = 10</script>");
    browser.find("h1").click();
    browser.save_screenshot("form-hostile");
    assert_eq!(browser.evaluate("return window.hacked ?? null"), serde_json::Value::Null);
    for harmful in [
        "main img",
        "iframe",
        "svg",
        "main script",
        "main a[href^='javascript']",
        "main base",
        "main meta",
        "[onclick]",
    ] {
        assert_eq!(browser.count(harmful), 0, "{harmful}");
    }
    let loaded = browser.evaluate("return performance.getEntriesByType('resource').map(it => it.name)");
    for it in loaded.as_array().unwrap() {
        assert!(it.as_str().unwrap().starts_with(&web.origin), "{loaded}");
    }
    browser.find("button.main").click();
    browser.wait_for_text(".notice", "Saved.");
    assert!(browser.current_url().starts_with(&format!("{}/packages/demo/form?said=", web.base_url)));
    web.finish();
}

/// Another user of the machine runs a server at the same address: the browser takes it for the same site.
#[test]
fn a_server_on_another_port_learns_nothing() {
    if !is_supported() {
        return;
    }
    let web = WebFixture::new(ClusterFixture::new());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let hostile = format!("http://{}", listener.local_addr().unwrap());
    let page = format!(
        "<title>working</title><script>
        const inside = (path, how) => fetch('{origin}' + path, {{mode: 'no-cors', credentials: 'include', ...how}});
        const own = (path) => fetch(path, {{credentials: 'include'}});
        document.cookie = '{name}=x; path=/';
        Promise.allSettled([
          inside('/'), inside('/requests'), inside('/run', {{method: 'POST', body: new URLSearchParams('form=x')}}),
          own('/requests'), own('/style.css'),
        ]).then(() => {{ document.title = 'seen ' + document.cookie + ' ' + document.referrer; }});
        </script>",
        origin = web.origin,
        name = format_args!("opm-{}", web.origin.rsplit(':').next().unwrap()),
    );
    let (sender, requests) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut request = [0; 16 << 10];
            let length = stream.read(&mut request).unwrap_or(0);
            let _ = sender.send(String::from_utf8_lossy(&request[..length]).into_owned());
            let head =
                format!("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {}\r\n", page.len());
            let _ = stream.write_all(format!("{head}Connection: close\r\n\r\n{page}").as_bytes());
        }
    });
    let browser = &web.browser;
    let secret = web.base_url.rsplit('/').next().unwrap().to_owned();
    // Once typed, and once followed from one of our own pages.
    browser.open(&hostile);
    let wait_for_title = || {
        for _ in 0..600 {
            let title = browser.evaluate("return document.title").as_str().unwrap_or_default().to_owned();
            if title.starts_with("seen") {
                return title;
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        panic!("the page did not end what it tries");
    };
    let typed = wait_for_title();
    web.open("/");
    let _ = browser.evaluate(&format!("location.href = '{hostile}/followed'; return 0"));
    let followed = wait_for_title();
    assert!(!typed.contains(&secret) && !followed.contains(&secret), "{typed} {followed}");
    let seen: Vec<String> = requests.try_iter().collect();
    assert!(seen.len() >= 2, "{seen:?}");
    for request in &seen {
        let cookies = request.lines().filter(|line| line.to_ascii_lowercase().starts_with("cookie:"));
        for cookie in cookies {
            // Only what the page has set itself.
            assert!(cookie.ends_with("=x"), "{request}");
        }
        assert!(!request.contains(&secret), "{request}");
    }
    // Nothing was changed or begun, and the session lives on although a cookie of its name was laid over it.
    web.open("/runs");
    browser.wait_for_text("main", "No run has done anything so far");
    // What the hostile page could not do is said there.
    let _ = browser.console_messages();
    web.finish();
}

#[test]
fn the_keyboard_is_enough() {
    if !is_supported() {
        return;
    }
    let site = ClusterFixture::new();
    let web = WebFixture::new(site);
    let browser = &web.browser;
    let focus = || {
        let script = "const it = document.activeElement; return [it.name || it.innerText || '', \
                      getComputedStyle(it).outlineStyle]";
        let found = browser.evaluate(script);
        assert_eq!(found[1], "solid", "where the focus is can be seen: {found}");
        found[0].as_str().unwrap().to_owned()
    };
    let to = |name: &str| {
        for _ in 0..60 {
            browser.press_keys(TAB);
            if focus() == name {
                return;
            }
        }
        panic!("{name} cannot be reached");
    };
    browser.press_keys(TAB);
    assert_eq!(focus(), "Skip to the content");
    to("Requests");
    browser.press_keys(ENTER);
    browser.wait_for_text("h1", "Requests");
    to("packages");
    browser.press_keys("other");
    to("on");
    to("stage");
    to("Request");
    browser.press_keys(ENTER);
    // Nobody knows a package of that name; it is asked for all the same.
    to("new");
    browser.press_keys(ENTER);
    browser.wait_for_text(".notice", "Not known so far, and now known: other. Requested: other to finished");
    // Past everything above the content.
    browser.press_keys(TAB);
    browser.press_keys(ENTER);
    assert_eq!(browser.evaluate("return document.activeElement.id"), "main");
    to("phase");
    web.open("/");
    to("demo");
    browser.press_keys(ENTER);
    browser.wait_for_text("h1", "demo");
    web.finish();
}

#[test]
fn nothing_is_wider_than_the_screen_of_a_laptop() {
    if !is_supported() {
        return;
    }
    let web = WebFixture::new(ClusterFixture::new());
    let browser = &web.browser;
    for path in ["/", "/requests", "/forms", "/runs", "/packages/demo"] {
        web.open(path);
        let script = "return document.documentElement.scrollWidth <= document.documentElement.clientWidth";
        assert_eq!(browser.evaluate(script), true, "{path} is wider than a laptop's screen");
    }
    web.finish();
}

/// The page that says why something was refused follows what changes like the others.
#[test]
fn a_refusal_is_said_and_the_page_goes_on() {
    if !is_supported() {
        return;
    }
    let web = WebFixture::new(ClusterFixture::new());
    let browser = &web.browser;
    web.open("/requests");
    browser.find("#remove-packages").fill("dem");
    browser.find("form[action='remove'] button").click();
    browser
        .wait_for_text("[role=alert]", "Nothing was changed: no package is called dem (did you mean demo?).");
    browser.save_screenshot("requests-refused");
    browser.wait_for_text("#update-status", "Follows what changes");
    web.site.opm(&["phase", "set", "addclients"]);
    browser.wait_for_text("#update-status", "last at");
    assert_eq!(browser.find("#remove-packages").value(), "dem", "what is being typed is left alone");
    web.finish();
}

/// What a browser submits of each form as it stands is what is stored where nobody answers.
#[test]
fn defaults_are_those_of_a_browser() {
    let Some(root) = corpus::corpus_directory().filter(|_| is_supported()) else { return };
    let site = ClusterFixture::new();
    let mut forms: Vec<(String, String, bool)> = Vec::new();
    for entry in fs::read_dir(root).unwrap() {
        let directory = entry.unwrap().path();
        let name = directory.file_name().unwrap().to_string_lossy().into_owned();
        for (file, is_image) in [("configurator.html", false), ("configurator_image.html", true)] {
            let Ok(bytes) = fs::read(directory.join(file)) else { continue };
            fs::create_dir_all(package_home(&site, &name)).unwrap();
            fs::write(package_home(&site, &name).join(file), &bytes).unwrap();
            let text = String::from_utf8(bytes).unwrap().replace("@IMAGENAME@", "compute");
            forms.push((name.clone(), text, is_image));
        }
    }
    assert!(forms.len() >= 9, "{}", forms.len());
    for (name, ..) in &forms {
        site.opm(&["request", "--new", name]);
    }
    let ran = process::run(&mut site.command(&["run", "--quiet"]));
    assert_eq!(ran.code, Some(0), "{}", ran.combined_output());
    let browser = Browser::start();
    for (name, text, is_image) in &forms {
        let values = if *is_image { ".configs/compute/.configurator.values" } else { ".configurator.values" };
        let stored = fs::read_to_string(package_home(&site, name).join(values)).unwrap();
        let document = roxmltree::Document::parse(&stored).unwrap();
        let stored = document.root_element().children().filter(roxmltree::Node::is_element);
        let stored: Vec<(String, String)> = stored
            .map(|it| (it.tag_name().name().to_owned(), it.text().unwrap_or_default().to_owned()))
            .collect();
        browser.open(&serve_once(text.clone()));
        let submitted = browser.evaluate("return [...new FormData(document.forms[0])]");
        let submitted = submitted.as_array().unwrap().iter();
        let submitted: Vec<(String, String)> = submitted
            .map(|it| (it[0].as_str().unwrap().to_owned(), it[1].as_str().unwrap().replace("\r\n", "\n")))
            .collect();
        assert_eq!(stored, submitted, "{name}");
        assert!(!stored.is_empty(), "{name}");
    }
}

/// Serves one page, once.
fn serve_once(html: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.read(&mut [0; 8192]);
        let head = "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nConnection: close";
        let _ = write!(stream, "{head}\r\nContent-Length: {}\r\n\r\n{html}", html.len());
    });
    address
}
