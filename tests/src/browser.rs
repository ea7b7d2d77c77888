//! A real browser without a window, driven as its makers do it: JSON over HTTP (W3C WebDriver).

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::{scratch, tools};

/// The key that moves the focus on.
pub const TAB: &str = "\u{e004}";
/// The key that does what has the focus.
pub const ENTER: &str = "\u{e007}";

/// For anything to happen in the browser.
const PATIENCE: Duration = Duration::from_secs(120);
/// How the protocol calls an element.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// A browser with a profile of its own, gone when this is dropped.
pub struct Browser {
    driver: Child,
    /// Kept, so that the driver can go on writing there.
    _said: BufReader<ChildStdout>,
    port: u16,
    session: String,
}

/// Something on a page.
pub struct Element<'a> {
    browser: &'a Browser,
    id: String,
}

impl Browser {
    /// Whether there is one; says so where there is none.
    #[must_use]
    pub fn possible() -> bool {
        tools::available(&["chromium", "chromedriver"])
    }

    /// Starts it, with the screen of a laptop.
    ///
    /// # Panics
    ///
    /// If it does not start.
    #[must_use]
    pub fn start() -> Self {
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .unwrap();
        let mut said = BufReader::new(driver.stdout.take().unwrap());
        let mut line = String::new();
        let port = loop {
            line.clear();
            assert!(said.read_line(&mut line).unwrap() > 0, "chromedriver ended");
            if let Some((_, port)) = line.split_once("successfully on port ") {
                break port.trim().trim_end_matches('.').parse().unwrap();
            }
        };
        let mut browser = Self { driver, _said: said, port, session: String::new() };
        let profile = scratch::directory("browser");
        let arguments = json!([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--window-size=1366,768",
            format!("--user-data-dir={}", profile.display()),
        ]);
        let wanted = json!({
            "goog:chromeOptions": { "args": arguments },
            "goog:loggingPrefs": { "browser": "ALL" },
        });
        let answer = browser.call("POST", "/session", &json!({ "capabilities": { "alwaysMatch": wanted } }));
        browser.session = answer["sessionId"].as_str().unwrap().to_owned();
        browser
    }

    /// Goes to an address.
    pub fn open(&self, address: &str) {
        self.command("/url", &json!({ "url": address }));
    }

    /// The address that it is at.
    ///
    /// # Panics
    ///
    /// If it is not at any.
    #[must_use]
    pub fn address(&self) -> String {
        self.look("/url").as_str().unwrap().to_owned()
    }

    /// The first element that a CSS selector means, as soon as there is one.
    ///
    /// # Panics
    ///
    /// If there is none for a long time.
    pub fn find(&self, selector: &str) -> Element<'_> {
        let found = self.wait(selector, || self.all(selector).into_iter().next());
        Element { browser: self, id: found }
    }

    /// How many elements there are of a CSS selector.
    #[must_use]
    pub fn count(&self, selector: &str) -> usize {
        self.all(selector).len()
    }

    /// The link with this text.
    ///
    /// # Panics
    ///
    /// If there is none for a long time.
    pub fn link(&self, text: &str) -> Element<'_> {
        let query = json!({ "using": "link text", "value": text });
        let found = self.wait(text, || ids(&self.command("/elements", &query)).into_iter().next());
        Element { browser: self, id: found }
    }

    /// What an element says, once it says what is waited for.
    ///
    /// # Panics
    ///
    /// If it does not for a long time.
    pub fn until(&self, selector: &str, says: &str) -> String {
        let what = format!("{selector}: {says}");
        self.wait(&what, || {
            let script = "return document.querySelector(arguments[0])?.innerText ?? ''";
            let text = self.run(script, &json!([selector])).as_str().unwrap_or_default().to_owned();
            text.contains(says).then_some(text)
        })
    }

    /// What a script returns.
    #[must_use]
    pub fn script(&self, script: &str) -> Value {
        self.run(script, &json!([]))
    }

    /// Presses keys where the focus is.
    ///
    /// # Panics
    ///
    /// If nothing has it.
    pub fn press(&self, keys: &str) {
        let active = self.look("/element/active");
        let id = active[ELEMENT].as_str().unwrap();
        self.command(&format!("/element/{id}/value"), &json!({ "text": keys }));
    }

    /// Complaints of the browser since the last time that somebody asked.
    #[must_use]
    pub fn complaints(&self) -> Vec<String> {
        let log = self.command("/se/log", &json!({ "type": "browser" }));
        let lines = log.as_array().into_iter().flatten();
        lines.map(|it| format!("{}: {}", it["level"], it["message"])).collect()
    }

    /// A picture of the page, for people, where `$OPM_PICTURES` names a directory.
    ///
    /// # Panics
    ///
    /// If it cannot be written.
    pub fn picture(&self, name: &str) {
        let Some(directory) = std::env::var_os("OPM_PICTURES") else { return };
        let data = self.look("/screenshot");
        let file = std::path::Path::new(&directory).join(format!("{name}.png.base64"));
        fs_err::write(file, data.as_str().unwrap()).unwrap();
    }

    fn all(&self, selector: &str) -> Vec<String> {
        ids(&self.command("/elements", &json!({ "using": "css selector", "value": selector })))
    }

    fn run(&self, script: &str, arguments: &Value) -> Value {
        self.command("/execute/sync", &json!({ "script": script, "args": arguments }))
    }

    fn wait<T>(&self, what: &str, mut look: impl FnMut() -> Option<T>) -> T {
        let began = Instant::now();
        loop {
            if let Some(found) = look() {
                return found;
            }
            let page = || self.look("/source");
            assert!(began.elapsed() < PATIENCE, "{what} is not on {}:\n{}", self.address(), page());
            std::thread::sleep(Duration::from_millis(30));
        }
    }

    fn look(&self, path: &str) -> Value {
        self.call("GET", &format!("/session/{}{path}", self.session), &Value::Null)
    }

    fn command(&self, path: &str, body: &Value) -> Value {
        self.call("POST", &format!("/session/{}{path}", self.session), body)
    }

    fn call(&self, method: &str, path: &str, body: &Value) -> Value {
        let answer = self.send(method, path, body).unwrap();
        let value = answer["value"].clone();
        assert!(value.get("error").is_none(), "{method} {path} {body}: {value}");
        value
    }

    fn send(&self, method: &str, path: &str, body: &Value) -> std::io::Result<Value> {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.set_read_timeout(Some(2 * PATIENCE))?;
        let head = format!("{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close");
        write!(
            stream,
            "{head}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )?;
        let mut reader = BufReader::new(stream);
        let (mut line, mut length) = (String::new(), 0);
        while reader.read_line(&mut line)? > 2 {
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse().unwrap();
            }
            line.clear();
        }
        let mut bytes = vec![0; length];
        reader.read_exact(&mut bytes)?;
        Ok(serde_json::from_slice(&bytes)?)
    }
}

fn ids(found: &Value) -> Vec<String> {
    let elements = found.as_array().into_iter().flatten();
    elements.map(|it| it[ELEMENT].as_str().unwrap().to_owned()).collect()
}

impl Drop for Browser {
    fn drop(&mut self) {
        // It takes the browser along. After a failure there may be nothing left to be ended.
        let _ = self.send("DELETE", &format!("/session/{}", self.session), &Value::Null);
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

impl Element<'_> {
    /// Clicks on it.
    pub fn click(&self) {
        self.command("/click", &json!({}));
    }

    /// Types into it.
    pub fn keys(&self, text: &str) {
        self.command("/value", &json!({ "text": text }));
    }

    /// Types into it, in place of what is there.
    pub fn fill(&self, text: &str) {
        self.command("/clear", &json!({}));
        self.keys(text);
    }

    /// What it says.
    ///
    /// # Panics
    ///
    /// If it is gone.
    #[must_use]
    pub fn text(&self) -> String {
        self.look("/text").as_str().unwrap().to_owned()
    }

    /// What is typed into it.
    ///
    /// # Panics
    ///
    /// If nothing can be.
    #[must_use]
    pub fn value(&self) -> String {
        self.look("/property/value").as_str().unwrap().to_owned()
    }

    fn look(&self, what: &str) -> Value {
        self.browser.look(&format!("/element/{}{what}", self.id))
    }

    fn command(&self, what: &str, body: &Value) -> Value {
        self.browser.command(&format!("/element/{}{what}", self.id), body)
    }
}
