//! Chromium, driven over the WebDriver protocol: as much of it as these tests
//! need. Where there is no chromedriver, tests are skipped, and say so; with
//! `CAMPAIGN_SIGNER_NEEDS=all` that is a failure.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

/// A browser with a window of its own.
pub(crate) struct Browser {
    driver: Child,
    port: u16,
    session: String,
    _profile: tempfile::TempDir,
}

/// The browser; `None` where there is none.
pub(crate) fn browser() -> Option<Browser> {
    let driver = Command::new("chromedriver")
        .arg("--port=0")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    let browser = match driver {
        Ok(driver) => Browser::new(driver),
        Err(error) => Err(format!("there is no chromedriver: {error}")),
    };
    match browser {
        Ok(browser) => Some(browser),
        Err(why) => {
            let needed = std::env::var("CAMPAIGN_SIGNER_NEEDS").is_ok_and(|needs| needs == "all");
            assert!(!needed, "{why}");
            eprintln!("skipped: no page was looked at; {why}");
            None
        }
    }
}

impl Browser {
    /// Starts a browser; otherwise says why there is none.
    fn new(mut driver: Child) -> Result<Self, String> {
        // It says which port it has got, and nothing more.
        let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines();
        let port = lines
            .find_map(|line| {
                let line = line.ok()?;
                let (_, port) = line.split_once("started successfully on port ")?;
                port.trim_end_matches('.').parse().ok()
            })
            .unwrap();
        let profile = tempfile::tempdir().unwrap();
        let folder = format!("--user-data-dir={}", profile.path().display());
        let mut browser = Self {
            driver,
            port,
            session: String::new(),
            _profile: profile,
        };
        let options = json!({
            "args": [
                "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                "--disable-background-networking", "--disable-component-update",
                "--disable-sync", "--no-first-run", "--hide-scrollbars", folder,
            ],
        });
        let wanted = json!({
            "capabilities": { "alwaysMatch": {
                "goog:chromeOptions": options,
                "goog:loggingPrefs": { "browser": "ALL", "performance": "ALL" },
            } },
        });
        let session = browser.send("POST", "/session", &wanted);
        let Some(id) = session["sessionId"].as_str() else {
            return Err(format!(
                "chromedriver has no browser: {}",
                session["message"]
            ));
        };
        browser.session = id.to_owned();
        // The page that a new window has is none of ours.
        browser.ask("url", &json!({ "url": "about:blank" }));
        browser.log("browser");
        browser.log("performance");
        Ok(browser)
    }

    /// Sends a request and gives the answer's value, or what stands there of an
    /// error.
    fn send(&self, method: &str, path: &str, body: &Value) -> Value {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        let patience = Some(Duration::from_secs(60));
        stream.set_read_timeout(patience).unwrap();
        let body = body.to_string();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nContent-Type: \
             application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            self.port,
            body.len()
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut reader = BufReader::new(stream);
        let mut length = 0;
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            let line = line.trim_end().to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
        }
        let mut answer = vec![0; length];
        reader.read_exact(&mut answer).unwrap();
        let answer: Value = serde_json::from_slice(&answer).unwrap();
        answer["value"].clone()
    }

    #[track_caller]
    fn ask(&self, what: &str, body: &Value) -> Value {
        let path = format!("/session/{}/{what}", self.session);
        let value = self.send("POST", &path, body);
        assert!(value["error"].is_null(), "{what}: {value}");
        value
    }

    /// A command of the DevTools protocol.
    #[track_caller]
    pub(crate) fn command(&self, name: &str, parameters: Value) -> Value {
        let body = json!({ "cmd": name, "params": parameters });
        self.ask("goog/cdp/execute", &body)
    }

    /// Sets the window's width, and light, dark or paper.
    pub(crate) fn set(&self, width: u32, scheme: &str, media: &str) {
        let features = json!([
            { "name": "prefers-color-scheme", "value": scheme },
            // What moves slowly is not where it will be.
            { "name": "prefers-reduced-motion", "value": "reduce" },
        ]);
        let wanted = json!({ "media": media, "features": features });
        self.command("Emulation.setEmulatedMedia", wanted);
        let metrics =
            json!({ "width": width, "height": 800, "deviceScaleFactor": 1, "mobile": false });
        self.command("Emulation.setDeviceMetricsOverride", metrics);
    }

    /// Opens a file.
    pub(crate) fn open(&self, path: &Path) {
        let url = format!("file://{}", path.display());
        self.ask("url", &json!({ "url": url }));
    }

    /// What a script gives that runs on the page.
    #[track_caller]
    pub(crate) fn run(&self, script: &str) -> Value {
        self.ask("execute/sync", &json!({ "script": script, "args": [] }))
    }

    /// Presses a key.
    pub(crate) fn press(&self, key: char) {
        let keys = ["keyDown", "keyUp"].map(|kind| json!({ "type": kind, "value": key }));
        let actions = json!([{ "type": "key", "id": "keys", "actions": keys }]);
        self.ask("actions", &json!({ "actions": actions }));
    }

    /// What was logged since it was asked last: `browser` or `performance`.
    pub(crate) fn log(&self, kind: &str) -> Vec<Value> {
        let entries = self.ask("se/log", &json!({ "type": kind }));
        entries.as_array().unwrap().clone()
    }

    /// The address of everything that was asked for since it was asked last.
    pub(crate) fn requests(&self) -> Vec<String> {
        let entries = self.log("performance").into_iter();
        let messages = entries.map(|entry| {
            let message = entry["message"].as_str().unwrap();
            serde_json::from_str::<Value>(message).unwrap()["message"].clone()
        });
        messages
            .filter(|message| message["method"] == "Network.requestWillBeSent")
            .map(|message| {
                let url = &message["params"]["request"]["url"];
                url.as_str().unwrap().to_owned()
            })
            .collect()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if !std::thread::panicking() && !self.session.is_empty() {
            let path = format!("/session/{}", self.session);
            self.send("DELETE", &path, &json!({}));
        }
        // The browser ends with the session, or with its driver.
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}
