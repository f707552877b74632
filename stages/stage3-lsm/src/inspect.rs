//! Showing files field by field: logs and the mark as stage 1 shows them, the manifest's edits in words, and tables.
//!
//! **Invariants** Looking changes no byte. Every byte of a file is in exactly one field, also of a damaged one.

use crate::manifest::edit;
use crate::names::Name;
use crate::table;
use contract::{Error, Field, FieldSink, IoContext, Result};
use stage1::inspect::{log, mark};
use stage1::survey::lock;
use vfs::Vfs;

/// Shows one file of a store, or every file of it that is ours.
pub(crate) fn inspect(vfs: &dyn Vfs, only: Option<&str>, sink: &mut FieldSink<'_>) -> Result<()> {
    let _lock = lock(vfs)?;
    let names = match only {
        Some(name) => vec![name.to_owned()],
        None => vfs.list().during("list", &vfs.location())?,
    };
    for name in names {
        // What is unfinished or set aside is shown as what it was to be, or was.
        let kind = name.strip_suffix(".tmp").or_else(|| name.strip_suffix(".aside")).unwrap_or(&name);
        let go_on = match Name::parse(kind) {
            Name::Clean => mark(vfs, sink)?,
            Name::Manifest(number) => manifest(vfs, &name, number, sink)?,
            Name::Log(number) => log(vfs, &name, number, sink)?,
            Name::Table(number) => {
                let file = vfs.open(&name).during("open", &name)?;
                table::describe(&*file, &name, number, sink)?
            }
            _ if only.is_some() => return Err(unknown(vfs, &name)),
            _ => true,
        };
        if !go_on {
            return Ok(());
        }
    }
    Ok(())
}

/// Shows a manifest: a log, but for the values, which it says in words.
fn manifest(vfs: &dyn Vfs, name: &str, number: u64, sink: &mut FieldSink<'_>) -> Result<bool> {
    let mut key = Vec::new();
    log(vfs, name, number, &mut |field: &Field| {
        if field.name == "key" {
            key.clone_from(&field.bytes);
        }
        match edit::in_words(&key, &field.bytes).filter(|_| field.name == "value") {
            Some(meaning) => sink(&Field { meaning, ..field.clone() }),
            None => sink(field),
        }
    })
}

fn unknown(vfs: &dyn Vfs, name: &str) -> Error {
    match vfs.open(name).during("open", name) {
        Err(error) => error,
        Ok(_) => Error::WrongStore {
            file: name.to_owned(),
            what: "not a file of this stage by its name; logs are called 000001.log, manifests 000002.manifest, \
                   tables 000003.sst"
                .into(),
        },
    }
}
