//! Reading: a line into words, words into an operation.

use crate::ops::{Op, Range};
use contract::Batch;
use std::iter::Peekable;
use std::ops::Bound;
use std::str::Chars;

/// A word of a line: a comparison sign or nothing, then bytes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Word {
    pub(crate) sign: &'static str,
    pub(crate) bytes: Vec<u8>,
    quoted: bool,
}

impl Word {
    /// The word if it is plain text and could be a command.
    pub(crate) fn plain(&self) -> &str {
        let plain = self.sign.is_empty() && !self.quoted;
        std::str::from_utf8(&self.bytes).ok().filter(|_| plain).unwrap_or_default()
    }

    /// The word as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }
}

/// Splits a line into words; a comment gives none.
pub(crate) fn words(line: &str) -> Result<Vec<Word>, String> {
    let mut words = Vec::new();
    let mut chars = line.chars().peekable();
    loop {
        while chars.next_if(|c| c.is_whitespace()).is_some() {}
        match chars.peek() {
            None | Some('#') => return Ok(words),
            Some(_) => words.push(word(&mut chars)?),
        }
    }
}

fn word(chars: &mut Peekable<Chars<'_>>) -> Result<Word, String> {
    let mut taken = |c| chars.next_if_eq(&c).is_some();
    let sign = match (taken('>'), taken('<'), taken('='), taken(';')) {
        (true, false, true, _) => ">=",
        (true, false, false, _) => ">",
        (false, true, true, _) => "<=",
        (false, true, false, _) => "<",
        (false, false, false, true) => ";",
        (false, false, false, false) => "",
        _ => return Err("signs are >= > <= <".into()),
    };
    let mut word = Word { sign, bytes: Vec::new(), quoted: false };
    if sign == ";" {
        return Ok(word);
    }
    loop {
        let mut bytes = Vec::new();
        if chars.next_if_eq(&'"').is_some() {
            word.quoted = true;
            quoted(chars, &mut bytes)?;
        } else {
            while let Some(c) = chars.next_if(|c| u8::try_from(*c).is_ok_and(super::is_plain)) {
                bytes.push(u8::try_from(c).unwrap_or_default());
            }
            if bytes.is_empty() {
                return Err(format!("cannot read {:?}; quote it", chars.peek()));
            }
        }
        let times = if chars.next_if_eq(&'*').is_some() { number(chars)? } else { 1 };
        word.bytes.extend(bytes.repeat(times));
        if chars.next_if_eq(&'+').is_none() {
            break;
        }
    }
    match chars.peek() {
        Some(c) if !c.is_whitespace() => Err(format!("cannot read {c:?}; quote it")),
        _ => Ok(word),
    }
}

fn quoted(chars: &mut Peekable<Chars<'_>>, bytes: &mut Vec<u8>) -> Result<(), String> {
    loop {
        match chars.next().ok_or("a quote is not closed")? {
            '"' => return Ok(()),
            '\\' => match chars.next().ok_or("a quote is not closed")? {
                'x' => {
                    let digits: String = chars.by_ref().take(2).collect();
                    bytes.push(
                        u8::from_str_radix(&digits, 16).map_err(|_| format!("\\x{digits} is no byte"))?,
                    );
                }
                c @ ('"' | '\\') => bytes.push(u8::try_from(c).unwrap_or_default()),
                c => return Err(format!("there is no \\{c}")),
            },
            c => bytes.extend(c.encode_utf8(&mut [0; 4]).bytes()),
        }
    }
}

fn number(chars: &mut Peekable<Chars<'_>>) -> Result<usize, String> {
    let mut digits = String::new();
    while let Some(digit) = chars.next_if(char::is_ascii_digit) {
        digits.push(digit);
    }
    digits.parse().map_err(|_| format!("*{digits} is no number of times"))
}

/// Reads one operation from its words.
pub(crate) fn op(words: &[Word]) -> Result<Op, String> {
    let (name, args) = words.split_first().ok_or("an empty line")?;
    let key = |args: &[Word]| match args {
        [key] => Ok(key.bytes.clone()),
        _ => Err(format!("«{}» takes a key", name.plain())),
    };
    let pair = |args: &[Word]| match args {
        [key, value] => Ok((key.bytes.clone(), value.bytes.clone())),
        _ => Err(format!("«{}» takes a key and a value", name.plain())),
    };
    Ok(match name.plain() {
        "put" => pair(args).map(|(key, value)| Op::Put { key, value })?,
        "put-if-absent" => pair(args).map(|(key, value)| Op::PutIfAbsent { key, value })?,
        "delete" => Op::Delete { key: key(args)? },
        "get" => Op::Get { key: key(args)? },
        "contains" => Op::Contains { key: key(args)? },
        "explain" => Op::Explain { key: key(args)? },
        "scan-prefix" => Op::ScanPrefix { prefix: key(args)? },
        "scan" => Op::Scan(range(args)?),
        "hold" => Op::Hold(range(args)?),
        "batch" => Op::Batch(batch(args)?),
        bare => match super::BARE.iter().find(|(name, _)| *name == bare) {
            Some((_, op)) if args.is_empty() => op.clone(),
            Some(_) => return Err(format!("«{bare}» stands alone")),
            None => return Err(format!("there is no operation «{bare}»")),
        },
    })
}

fn range(args: &[Word]) -> Result<Range, String> {
    let mut range = Range { start: Bound::Unbounded, end: Bound::Unbounded };
    for word in args {
        let key = word.bytes.clone();
        match word.sign {
            ">=" => range.start = Bound::Included(key),
            ">" => range.start = Bound::Excluded(key),
            "<=" => range.end = Bound::Included(key),
            "<" => range.end = Bound::Excluded(key),
            _ => return Err("a bound begins with >= > <= or <".into()),
        }
    }
    Ok(range)
}

fn batch(args: &[Word]) -> Result<Batch, String> {
    let mut batch = Batch::new();
    for entry in args.split(|word| word.sign == ";").filter(|entry| !entry.is_empty()) {
        match (entry[0].plain(), &entry[1..]) {
            ("put", [key, value]) => batch.put(&key.bytes, &value.bytes),
            ("delete", [key]) => batch.delete(&key.bytes),
            _ => return Err("an entry of a batch is «put KEY VALUE» or «delete KEY»".into()),
        };
    }
    Ok(batch)
}
