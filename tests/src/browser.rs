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
const TIMEOUT: Duration = Duration::from_secs(120);
/// How the protocol calls an element.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// A browser with a profile of its own, gone when this is dropped.
pub struct Browser {
    driver: Child,
    /// Kept, so that the driver can go on writing there.
    _stdout: BufReader<ChildStdout>,
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
    pub fn is_available() -> bool {
        tools::all_installed(&["chromium", "chromedriver"])
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
        let mut browser = Self { driver, _stdout: said, port, session: String::new() };
        let profile = scratch::create_directory("browser");
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
        self.post("/url", &json!({ "url": address }));
    }

    /// The address that it is at.
    ///
    /// # Panics
    ///
    /// If it is not at any.
    #[must_use]
    pub fn current_url(&self) -> String {
        self.get("/url").as_str().unwrap().to_owned()
    }

    /// The first element that a CSS selector means, as soon as there is one.
    ///
    /// # Panics
    ///
    /// If there is none for a long time.
    pub fn find(&self, selector: &str) -> Element<'_> {
        let found = self.wait_for(selector, || self.find_elements(selector).into_iter().next());
        Element { browser: self, id: found }
    }

    /// How many elements there are of a CSS selector.
    #[must_use]
    pub fn count(&self, selector: &str) -> usize {
        self.find_elements(selector).len()
    }

    /// The link with this text.
    ///
    /// # Panics
    ///
    /// If there is none for a long time.
    pub fn find_link(&self, text: &str) -> Element<'_> {
        let query = json!({ "using": "link text", "value": text });
        let found = self.wait_for(text, || element_ids(&self.post("/elements", &query)).into_iter().next());
        Element { browser: self, id: found }
    }

    /// What an element says, once it says what is waited for.
    ///
    /// # Panics
    ///
    /// If it does not for a long time.
    pub fn wait_for_text(&self, selector: &str, says: &str) -> String {
        let what = format!("{selector}: {says}");
        self.wait_for(&what, || {
            let script = "return document.querySelector(arguments[0])?.innerText ?? ''";
            let text =
                self.execute_script(script, &json!([selector])).as_str().unwrap_or_default().to_owned();
            text.contains(says).then_some(text)
        })
    }

    #[must_use]
    pub fn evaluate(&self, script: &str) -> Value {
        self.execute_script(script, &json!([]))
    }

    /// Presses keys where the focus is.
    ///
    /// # Panics
    ///
    /// If nothing has it.
    pub fn press_keys(&self, keys: &str) {
        let active = self.get("/element/active");
        let id = active[ELEMENT].as_str().unwrap();
        self.post(&format!("/element/{id}/value"), &json!({ "text": keys }));
    }

    /// Complaints of the browser since the last time that somebody asked.
    #[must_use]
    pub fn console_messages(&self) -> Vec<String> {
        let log = self.post("/se/log", &json!({ "type": "browser" }));
        let lines = log.as_array().into_iter().flatten();
        lines.map(|it| format!("{}: {}", it["level"], it["message"])).collect()
    }

    /// A picture of the page, for people, where `$OPM_PICTURES` names a directory.
    ///
    /// # Panics
    ///
    /// If it cannot be written.
    pub fn save_screenshot(&self, name: &str) {
        let Some(directory) = std::env::var_os("OPM_PICTURES") else { return };
        let data = self.get("/screenshot");
        let file = std::path::Path::new(&directory).join(format!("{name}.png.base64"));
        fs_err::write(file, data.as_str().unwrap()).unwrap();
    }

    fn find_elements(&self, selector: &str) -> Vec<String> {
        element_ids(&self.post("/elements", &json!({ "using": "css selector", "value": selector })))
    }

    fn execute_script(&self, script: &str, arguments: &Value) -> Value {
        self.post("/execute/sync", &json!({ "script": script, "args": arguments }))
    }

    fn wait_for<T>(&self, what: &str, mut look: impl FnMut() -> Option<T>) -> T {
        let began = Instant::now();
        loop {
            if let Some(found) = look() {
                return found;
            }
            let page = || self.get("/source");
            assert!(began.elapsed() < TIMEOUT, "{what} is not on {}:\n{}", self.current_url(), page());
            std::thread::sleep(Duration::from_millis(30));
        }
    }

    fn get(&self, path: &str) -> Value {
        self.call("GET", &format!("/session/{}{path}", self.session), &Value::Null)
    }

    fn post(&self, path: &str, body: &Value) -> Value {
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
        stream.set_read_timeout(Some(2 * TIMEOUT))?;
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

fn element_ids(found: &Value) -> Vec<String> {
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
        self.post("/click", &json!({}));
    }

    /// Types into it.
    pub fn type_text(&self, text: &str) {
        self.post("/value", &json!({ "text": text }));
    }

    /// Types into it, in place of what is there.
    pub fn fill(&self, text: &str) {
        self.post("/clear", &json!({}));
        self.type_text(text);
    }

    /// What it says.
    ///
    /// # Panics
    ///
    /// If it is gone.
    #[must_use]
    pub fn text(&self) -> String {
        self.get("/text").as_str().unwrap().to_owned()
    }

    /// What is typed into it.
    ///
    /// # Panics
    ///
    /// If nothing can be.
    #[must_use]
    pub fn value(&self) -> String {
        self.get("/property/value").as_str().unwrap().to_owned()
    }

    fn get(&self, what: &str) -> Value {
        self.browser.get(&format!("/element/{}{what}", self.id))
    }

    fn post(&self, what: &str, body: &Value) -> Value {
        self.browser.post(&format!("/element/{}{what}", self.id), body)
    }
}
