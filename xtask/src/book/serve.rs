//! Shows the book on this machine: a small server of files that builds the book again when its sources changed.
//!
//! **Layout** There is no watcher. A request for a page looks whether anything that the book is made of is newer than
//! the last build; a reader who saves a file and reloads the page sees it.

use super::{links, render};
use crate::{Failure, workspace};
use std::path::Path;
use std::time::SystemTime;
use tiny_http::{Header, Request, Response, Server};

/// Serves the book at localhost until the process is stopped.
pub(super) fn serve(port: u16) -> Result<(), Failure> {
    let mut built = SystemTime::now();
    render::build(&render::output())?;
    let server =
        Server::http(("127.0.0.1", port)).map_err(|e| format!("cannot listen on port {port}: {e}"))?;
    println!("book: http://localhost:{port}/ (stop with Ctrl-C; reload a page to see a change)");
    for request in server.incoming_requests() {
        let path = links::requested(&render::output(), request.url());
        if path.extension().is_some_and(|e| e == "html") && newest_source() > built {
            built = SystemTime::now();
            if let Err(what) = render::build(&render::output()) {
                eprintln!("book: {what}");
            }
        }
        // A browser that went away is no reason to stop.
        let _ = answer(request, &path);
    }
    Ok(())
}

fn answer(request: Request, path: &Path) -> std::io::Result<()> {
    let Ok(bytes) = std::fs::read(path) else {
        return request.respond(Response::from_string("not found").with_status_code(404));
    };
    let kind = match path.extension().and_then(|e| e.to_str()) {
        Some("html") => "text/html; charset=utf-8",
        Some("css") => "text/css",
        Some("js") => "text/javascript",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("woff2") => "font/woff2",
        _ => "application/octet-stream",
    };
    let mut response = Response::from_data(bytes);
    if let Ok(header) = Header::from_bytes("Content-Type", kind) {
        response.add_header(header);
    }
    request.respond(response)
}

/// When the newest file was changed that the book is made of.
fn newest_source() -> SystemTime {
    let root = workspace::root();
    let code = ["stages", "benches", "xtask"].map(|folder| workspace::files(&root.join(folder), "rs"));
    let pages = ["md", "svg", "css", "toml"].map(|kind| {
        let mut files = workspace::files(&root.join("book/src"), kind);
        files.extend(workspace::files(&root.join("book/theme"), kind));
        files
    });
    code.iter()
        .chain(&pages)
        .flatten()
        .filter_map(|path| path.metadata().ok()?.modified().ok())
        .max()
        .unwrap_or(SystemTime::UNIX_EPOCH)
}
