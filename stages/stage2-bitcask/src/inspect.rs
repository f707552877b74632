//! Showing files field by field: the stage 1 formats as stage 1 shows them, and hint files.
//!
//! **Invariants** Looking changes no byte. Every byte of a file is in exactly one field, also of a damaged one.

use crate::hint;
use crate::names::Name;
use contract::{Error, FieldSink, IoContext, Result};
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
        let go_on = match Name::parse(&name) {
            Name::Clean => mark(vfs, sink)?,
            Name::Log(id) | Name::Aside(id) | Name::UnfinishedLog(id) => log(vfs, &name, id.number(), sink)?,
            Name::Hint(id) => {
                let file = vfs.open(&name).during("open", &name)?;
                hint::describe(&*file, &name, id.number(), sink)?
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

fn unknown(vfs: &dyn Vfs, name: &str) -> Error {
    match vfs.open(name).during("open", name) {
        Err(error) => error,
        Ok(_) => Error::WrongStore {
            file: name.to_owned(),
            what: "not a file of this stage by its name; segments are called 000001.log or 000001-000004.log, their \
                   hints 000001.hint"
                .into(),
        },
    }
}
