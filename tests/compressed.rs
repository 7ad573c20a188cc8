//! Compressed inputs and outputs, by every verb: what is whole is read whole,
//! in whatever pieces it was compressed; what is cut short, damaged or followed
//! by something else is an error that says so; what grows a thousandfold takes
//! no memory.
#![allow(clippy::unwrap_used)] // A failed unwrap is a failed test.

mod workdir;

use std::io::{Cursor, Read, Write};

use campaign_signer::row::{Compressed, Expected, Source, Unpacking};
use workdir::Workdir;

const KINDS: [Compressed; 2] = [Compressed::Gzip, Compressed::Zstd];

/// What a verb reads, and its exit code where that is whole.
struct Verb {
    arguments: &'static str,
    reads: &'static str,
    code: i32,
}

const fn verb(arguments: &'static str, reads: &'static str, code: i32) -> Verb {
    Verb {
        arguments,
        reads,
        code,
    }
}

/// Every verb that reads rows or lines. `@` is the input.
const VERBS: [Verb; 8] = [
    verb(
        "check -f impact-user-jwt --input-format csv --progress none @",
        "users.csv",
        1,
    ),
    verb(
        "plan -f impact-user-jwt --input-format csv --secret-file secret.txt @",
        "users.csv",
        1,
    ),
    verb(
        "sign -f impact-user-jwt --input-format csv --secret-file secret.txt --progress none \
         --job-id j --timestamp 1790000000000 --allow-future --force -o out.ndjson @",
        "users.csv",
        1,
    ),
    verb("verify --secret-file secret.txt @", "signed.ndjson", 0),
    verb("explain --secret-file secret.txt @", "signed.ndjson", 0),
    verb("inspect @", "signed.ndjson", 0),
    verb("rejects @", "bad.ndjson", 0),
    verb("verify-postback @", "postbacks.ndjson", 0),
];

/// A folder with everything that the verbs read.
fn folder() -> Workdir {
    let workdir = Workdir::new();
    let mut users = String::from("id,firstName,locale\n");
    for at in 0..40 {
        let locale = if at % 10 == 9 { "nowhere" } else { "en_US" };
        users.push_str(&format!("user{at}@example.com,Jane,{locale}\n"));
    }
    workdir.write("users.csv", users);
    workdir
        .run(
            "sign -f impact-user-jwt --secret-file secret.txt --progress none users.csv \
             -o signed.ndjson --rejects bad.ndjson",
        )
        .exit(1);
    let postbacks = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/examples/postbacks/apple.ndjson"
    );
    workdir.write("postbacks.ndjson", std::fs::read(postbacks).unwrap());
    workdir
}

/// The same bytes in two members or frames, with their sums.
fn packed(text: &[u8], kind: Compressed) -> Vec<u8> {
    let (head, tail) = text.split_at(text.len() / 2);
    [head, tail].map(|part| member(part, kind)).concat()
}

fn member(text: &[u8], kind: Compressed) -> Vec<u8> {
    match kind {
        Compressed::Gzip => {
            let mut encoder =
                flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
            encoder.write_all(text).unwrap();
            encoder.finish().unwrap()
        }
        Compressed::Zstd => {
            let mut encoder = zstd::Encoder::new(Vec::new(), 3).unwrap();
            encoder.include_checksum(true).unwrap();
            encoder.write_all(text).unwrap();
            encoder.finish().unwrap()
        }
    }
}

fn ending(kind: Compressed) -> &'static str {
    match kind {
        Compressed::Gzip => "gz",
        Compressed::Zstd => "zst",
    }
}

/// What a source makes of stored bytes: its text, or its error.
fn read(stored: &[u8]) -> Result<Vec<u8>, String> {
    read_as(stored, Unpacking::default())
}

fn read_as(stored: &[u8], unpacking: Unpacking) -> Result<Vec<u8>, String> {
    let mut text = Vec::new();
    let mut source = Source::unpacked(Cursor::new(stored.to_vec()), unpacking);
    match source.read_to_end(&mut text) {
        Ok(_) => Ok(text),
        Err(error) => Err(error.to_string()),
    }
}

#[test]
fn every_verb_reads_what_is_compressed_as_it_reads_what_is_not() {
    let workdir = folder();
    for Verb {
        arguments,
        reads,
        code,
    } in &VERBS
    {
        let plain = workdir.run(&arguments.replace('@', reads));
        plain.exit(*code);
        let signed = arguments
            .starts_with("sign")
            .then(|| workdir.bytes("out.ndjson"));
        for kind in KINDS {
            let stored = packed(&workdir.bytes(reads), kind);
            // Neither name says what it is.
            workdir.write("input", &stored);
            let format = if arguments.starts_with("inspect") || arguments.contains("postback") {
                ""
            } else if reads.ends_with("csv") {
                "--input-format csv"
            } else {
                "--input-format ndjson"
            };
            let arguments = arguments.replace("--input-format csv", "");
            let of = |name: &str| format!("{} {format}", arguments.replace('@', name));
            let name = ending(kind);
            for option in ["auto", kind.name()] {
                let option = format!(" --input-compression {option}");
                let from_file = workdir.run(&(of("input") + &option));
                from_file.exit(*code);
                // A plan reads its input twice.
                if arguments.starts_with("plan") {
                    continue;
                }
                let line = of("-") + &option;
                let line: Vec<&str> = line.split_whitespace().collect();
                let from_pipe = workdir.run_with(&line, &stored);
                from_pipe.exit(*code);
                let same = |said: &str, called: &str| {
                    // Positions and names are told; all else is the same.
                    said.replace(called, "@").replace(reads, "@")
                };
                let (plain, file) = (
                    same(&plain.stdout, "input"),
                    same(&from_file.stdout, "input"),
                );
                assert_eq!(plain, file, "{name}: {arguments}");
                if let Some(signed) = &signed {
                    assert_eq!(signed, &workdir.bytes("out.ndjson"), "{name}");
                }
            }
        }
    }
}

#[test]
fn every_verb_refuses_a_stream_that_is_cut_at_any_of_its_last_64_bytes() {
    let workdir = folder();
    for Verb {
        arguments, reads, ..
    } in &VERBS
    {
        for kind in KINDS {
            let stored = packed(&workdir.bytes(reads), kind);
            let name = format!("cut.{}", ending(kind));
            for cut in stored.len() - 64..stored.len() {
                workdir.write(&name, &stored[..cut]);
                let run = workdir.run(&arguments.replace('@', &name));
                run.exit(6).says("stream ends early");
                run.expect(!workdir.exists("out.ndjson"), "no output");
            }
        }
    }
}

/// Fewer than four bytes used to be taken for rows as they stand, and none for
/// an input without rows: a copy that broke off at its start was a good night
/// with nothing to sign.
#[test]
fn an_input_that_is_cut_short_within_its_first_bytes_is_no_short_input() {
    let workdir = folder();
    for Verb {
        arguments, reads, ..
    } in &VERBS
    {
        for kind in KINDS {
            let stored = packed(&workdir.bytes(reads), kind);
            let name = format!("{reads}.{}", ending(kind));
            for cut in 0..20 {
                workdir.write(&name, &stored[..cut]);
                let run = workdir.run(&arguments.replace('@', &name));
                run.exit(6).says("stream ends early").says("gzip -t FILE");
                run.expect(!workdir.exists("out.ndjson"), "no output");
            }
        }
    }
    // A pipe has no name that would say what it is: the option does.
    for kind in KINDS {
        let stored = member(b"{}\n", kind);
        for cut in 2..stored.len() {
            assert!(read(&stored[..cut]).unwrap_err().ends_with("ends early"));
        }
        let unpacking = Unpacking {
            expected: Expected::Only(kind),
            ..Unpacking::default()
        };
        for cut in 0..stored.len() {
            let error = read_as(&stored[..cut], unpacking).unwrap_err();
            assert!(error.ends_with("ends early"), "{cut}: {error}");
        }
    }
}

#[test]
fn what_an_input_is_expected_to_be_is_what_it_must_be() {
    let text = b"{\"a\":1}\n";
    let as_expected = |expected, stored: &[u8]| {
        let unpacking = Unpacking {
            expected,
            ..Unpacking::default()
        };
        read_as(stored, unpacking)
    };
    for kind in KINDS {
        let other = if kind == Compressed::Gzip {
            KINDS[1]
        } else {
            KINDS[0]
        };
        let (own, others) = (packed(text, kind), packed(text, other));
        assert_eq!(as_expected(Expected::Only(kind), &own).unwrap(), text);
        for stored in [&others[..], text, b"x"] {
            let error = as_expected(Expected::Only(kind), stored).unwrap_err();
            assert_eq!(error, format!("it is no {} stream", kind.name()));
        }
        // A name is believed where the bytes do not say otherwise.
        for stored in [&own[..], &others, text] {
            assert_eq!(as_expected(Expected::Named(kind), stored).unwrap(), text);
        }
        assert_eq!(as_expected(Expected::Plain, &own).unwrap(), own);
        assert_eq!(as_expected(Expected::Plain, b"").unwrap(), b"");
    }
    // What may be a text is one.
    for text in [&b""[..], b"(", b"P", b"x"] {
        assert_eq!(read(text).unwrap(), text);
    }
}

#[test]
fn no_flipped_bit_makes_another_text() {
    let text: Vec<u8> = (0..60)
        .flat_map(|at| format!("{{\"at\":{at},\"is\":\"{}\"}}\n", at * 7919).into_bytes())
        .collect();
    for kind in KINDS {
        let stored = packed(&text, kind);
        let mut refused = 0;
        for at in 0..stored.len() * 8 {
            let mut flipped = stored.clone();
            flipped[at / 8] ^= 1 << (at % 8);
            match read(&flipped) {
                // Of a gzip header most bits say nothing about the text.
                Ok(read) => assert!(read == text || read == flipped, "{}: bit {at}", kind.name()),
                Err(_) => refused += 1,
            }
        }
        assert!(refused > stored.len() * 7, "{}: {refused}", kind.name());
    }
}

#[test]
fn what_follows_a_stream_is_told_from_a_stream_that_is_cut_short() {
    let text = b"{\"a\":1}\n".repeat(50);
    for kind in KINDS {
        let stored = packed(&text, kind);
        let other = if kind == Compressed::Gzip {
            KINDS[1]
        } else {
            KINDS[0]
        };
        let complete = format!("is complete after {} bytes, but followed by", stored.len());
        for (junk, says) in [
            (&b"\0"[..], "zeros"),
            (&[0; 1024], "zeros"),
            (b"\n", "something else"),
            (b"more", "something else"),
            (b"much more than any header has", "something else"),
            (&text, "something else"),
            (&packed(&text, other), "something else"),
        ] {
            let error = read(&[&stored, junk].concat()).unwrap_err();
            assert!(error.ends_with(&format!("{complete} {says}")), "{error}");
        }
        // The beginning of a member is a member that is cut short.
        for bytes in 1..8 {
            let error = read(&[&stored, &stored[..bytes]].concat()).unwrap_err();
            assert!(error.ends_with("ends early"), "{error}");
        }
    }
    let gzip = packed(&text, Compressed::Gzip);
    let error = read(&[&gzip[..], b"\x1f and more than ten bytes"].concat()).unwrap_err();
    assert!(error.ends_with("followed by something else"), "{error}");
    let zstd = packed(&text, Compressed::Zstd);
    let error = read(&[&zstd[..], b"( and more than four bytes"].concat()).unwrap_err();
    assert!(error.ends_with("followed by something else"), "{error}");
}

/// One gzip member by hand: its flags, what stands in its header behind them,
/// and what is done to its last eight bytes.
fn gzip_by_hand(flags: u8, header: &[u8], text: &[u8], sums: impl Fn(&mut [u8])) -> Vec<u8> {
    let whole = member(text, Compressed::Gzip);
    let mut out = whole[..3].to_vec();
    out.push(flags);
    out.extend(&whole[4..10]);
    out.extend(header);
    out.extend(&whole[10..]);
    let from = out.len() - 8;
    sums(&mut out[from..]);
    out
}

#[test]
fn every_part_of_a_gzip_header_is_read_and_its_sums_are_compared() {
    let text = b"{\"a\":1}\n";
    let good = |_: &mut [u8]| {};
    let long = [&[b'n'; 70_000][..], b"\0"].concat();
    let extra = [&[4, 0][..], b"abcd"].concat();
    let all = [&extra[..], b"name\0", b"comment\0"].concat();
    for (flags, header, is_good) in [
        (0x00, &b""[..], true),
        (0x01, b"", true),
        (0x08, b"users.csv\0", true),
        (0x10, b"a comment\0", true),
        (0x04, &extra, true),
        (0x1c, &all, true),
        (0x20, b"", false),
        (0x80, b"", false),
        (0x08, &long, false),
    ] {
        let stored = gzip_by_hand(flags, header, text, good);
        let twice = [&stored[..], &stored].concat();
        assert_eq!(read(&stored).is_ok(), is_good, "{flags:#x}");
        assert_eq!(read(&twice).is_ok(), is_good, "{flags:#x}");
    }
    // A header with a sum of its own.
    let head = &gzip_by_hand(0x02, b"", text, good)[..10];
    let mut crc = flate2::Crc::new();
    crc.update(head);
    let sum = (crc.sum() as u16).to_le_bytes();
    assert_eq!(read(&gzip_by_hand(0x02, &sum, text, good)).unwrap(), text);
    let wrong = [sum[0] ^ 1, sum[1]];
    assert!(read(&gzip_by_hand(0x02, &wrong, text, good)).is_err());
    // CRC-32, and the length.
    for at in 0..8 {
        let error = read(&gzip_by_hand(0, b"", text, |sums| sums[at] ^= 0x10)).unwrap_err();
        assert!(error.contains("is damaged near its byte"), "{error}");
    }
}

#[test]
fn empty_and_tiny_members_and_frames_without_data_are_read_through() {
    let text = b"{\"a\":1}\n";
    for kind in KINDS {
        let (empty, tiny) = (member(b"", kind), member(text, kind));
        assert_eq!(read(&empty).unwrap(), b"");
        let many = [empty.repeat(1000), tiny.clone(), empty.repeat(1000)].concat();
        assert_eq!(read(&many).unwrap(), text);
        assert_eq!(read(&tiny.repeat(20_000)).unwrap(), text.repeat(20_000));
    }
    // pzstd writes such frames; other programs hide an index in them.
    let frame = |bytes: usize| {
        let length = u32::try_from(bytes).unwrap().to_le_bytes();
        [&b"\x50\x2a\x4d\x18"[..], &length, &vec![b'x'; bytes]].concat()
    };
    let zstd = member(text, Compressed::Zstd);
    let stored = [frame(0), frame(4), zstd.clone(), frame(3_000_000), zstd].concat();
    assert_eq!(read(&stored).unwrap(), text.repeat(2));
    let whole = [member(text, Compressed::Zstd), frame(100)].concat();
    for cut in whole.len() - 107..whole.len() {
        let error = read(&whole[..cut]).unwrap_err();
        assert!(error.ends_with("ends early"), "{cut}: {error}");
    }
}

#[test]
fn what_other_programs_compress_is_named_with_what_reads_it() {
    let workdir = folder();
    for (bytes, name, hint) in [
        (
            &b"\xfd7zXZ\0\0\x04\xe6\xd6\xb4\x46"[..],
            "xz",
            "xz -dc FILE |",
        ),
        (b"BZh91AY&SY\x8e\x8d", "bzip2", "bzip2 -dc FILE |"),
        (b"\x04\x22\x4d\x18\x64\x40\xa7", "LZ4", "lz4 -dc FILE |"),
        (b"\x1f\x9d\x90\x69\xc8", "compress", "gzip -dc FILE |"),
    ] {
        workdir.write("users.csv", bytes);
        let run = workdir.run("check -f impact-user-jwt users.csv");
        run.exit(6)
            .says(&format!("it is compressed with {name}, which is not read"));
        run.expect(run.hint().starts_with(hint), hint);
    }
}

#[test]
fn a_zstd_window_may_be_as_large_as_is_asked_for() {
    let workdir = folder();
    let users = workdir.bytes("users.csv");
    let mut encoder = zstd::Encoder::new(Vec::new(), 3).unwrap();
    encoder.long_distance_matching(true).unwrap();
    encoder.window_log(27).unwrap();
    encoder.write_all(&users).unwrap();
    workdir.write("users.csv.zst", encoder.finish().unwrap());
    let sign = "sign -f impact-user-jwt --secret-file secret.txt --progress none \
                -o out.ndjson users.csv.zst";
    let refused = workdir.run(sign);
    refused.exit(6).says("needs a window of more than 8192 KiB");
    refused.expect(
        refused.hint().contains("--zstd-window-log (27"),
        "the option",
    );
    workdir
        .run(&format!("{sign} --force --zstd-window-log 26"))
        .exit(6)
        .says("more than 65536 KiB");
    workdir
        .run(&format!("{sign} --force --zstd-window-log 27"))
        .exit(1);
    // Whoever audits the run reads the same input.
    let verify = "verify --secret-file secret.txt --manifest out.ndjson.manifest.json";
    workdir.run(verify).exit(6).says("window");
    workdir
        .run(&format!("{verify} --zstd-window-log 27"))
        .exit(0)
        .says("40 rows = 36 signed + 4 rejected, in order, nothing twice");
}

#[test]
fn outputs_are_compressed_by_name_or_by_option_and_in_both_ways_the_same() {
    let workdir = folder();
    let sign = "sign -f impact-user-jwt --secret-file secret.txt --progress none --force \
                --job-id j --timestamp now users.csv";
    let timestamp = workdir::now().to_string();
    let sign = sign.replace("now", &timestamp);
    workdir.run(&format!("{sign} -o plain.ndjson")).exit(1);
    let plain = workdir.bytes("plain.ndjson");
    for kind in KINDS {
        let (name, end) = (kind.name(), ending(kind));
        let named = format!("named.ndjson.{end}");
        workdir.run(&format!("{sign} -o {named}")).exit(1);
        let option = format!("--compression {name}");
        workdir
            .run(&format!("{sign} {option} -o asked.ndjson"))
            .exit(1);
        assert!(workdir.bytes("asked.ndjson") == workdir.bytes(&named));
        assert!(read(&workdir.bytes("asked.ndjson")).unwrap() == plain);
        workdir
            .run("verify --secret-file secret.txt --manifest asked.ndjson.manifest.json")
            .exit(0)
            .says("in order, nothing twice");
        // Both at once are one; two that differ are none.
        workdir.run(&format!("{sign} {option} -o {named}")).exit(1);
        for other in ["none", if end == "gz" { "zstd" } else { "gzip" }] {
            workdir
                .run(&format!("{sign} --compression {other} -o {named}"))
                .exit(2)
                .says(&format!("is {name} by its name"));
        }
        // A run that goes on must be compressed as it was begun.
        workdir
            .run(&format!("{sign} -o asked.ndjson --resume").replace("--force", ""))
            .exit(2)
            .says("compression");
        // Standard output has no name: verdicts and records go by the option.
        let rejects = format!("{option} --rejects bad.csv -o -");
        let piped = workdir
            .command(&words(&format!("{sign} {rejects}")))
            .output()
            .unwrap();
        assert!(read(&piped.stdout).unwrap() == plain);
        let verdicts = |option: &str| {
            let line = format!("verify-postback postbacks.ndjson {option}");
            let output = workdir.command(&words(&line)).output().unwrap();
            assert!(output.status.success());
            output.stdout
        };
        assert!(read(&verdicts(&option)).unwrap() == verdicts(""));
        assert_eq!(
            read(&verdicts(&option)).unwrap(),
            verdicts("--compression none")
        );
    }
}

fn words(line: &str) -> Vec<&str> {
    line.split_whitespace().collect()
}

/// Whoever answers each row waits for the first, which may be shorter than what
/// tells a compressed stream.
#[test]
fn the_first_bytes_of_a_pipe_are_given_before_more_are_waited_for() {
    struct Once(Vec<u8>);
    impl Read for Once {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            assert!(!self.0.is_empty(), "nothing more is waited for");
            let read = self.0.as_slice().read(buffer)?;
            self.0.drain(..read);
            Ok(read)
        }
    }
    for text in [&b"{}\n"[..], b"7", b"Pa", b"BZ2", b"\xef"] {
        let mut read = [0; 64];
        let mut source = Source::new(Once(text.to_vec()));
        let bytes = source.read(&mut read).unwrap();
        assert_eq!(&read[..bytes], text);
    }
    let stored = [
        member(b"{}\n", Compressed::Zstd),
        member(b"{}\n", Compressed::Zstd),
    ]
    .concat();
    let mut source = Source::new(Once(stored[..20].to_vec()));
    let mut read = [0; 3];
    source.read_exact(&mut read).unwrap();
    assert_eq!(&read, b"{}\n");
}

/// What the error was of was never said: "the input cannot be read", and no
/// more.
#[test]
fn why_an_input_cannot_be_read_is_said() {
    let workdir = folder();
    let stored = packed(&workdir.bytes("users.csv"), Compressed::Gzip);
    workdir.write("users.csv.gz", &stored[..stored.len() - 1]);
    workdir
        .run("check -f impact-user-jwt users.csv.gz")
        .exit(6)
        .says("users.csv.gz: the input cannot be read: the gzip stream ends early");
}

#[cfg(target_os = "linux")]
mod bombs {
    use super::*;

    /// What a verb may hold at its highest, on two threads.
    const LIMIT_KIB: u64 = 64 * 1024;
    const GIB: usize = 1 << 30;

    /// A text, so many bytes of this, and another text: each of them members or
    /// frames of their own, a megabyte or less of it all.
    fn bomb(texts: [&[u8]; 2], fill: &[u8], bytes: usize, kind: Compressed) -> Vec<u8> {
        let block = fill.repeat((1 << 20) / fill.len());
        let [before, after] = texts.map(|text| member(text, kind));
        let filled = member(&block, kind).repeat(bytes / block.len());
        [before, filled, after].concat()
    }

    /// What a verb holds at its highest, in KiB, and what it says.
    fn peak(workdir: &Workdir, arguments: &str) -> (i32, u64, String) {
        let mut arguments = words(arguments);
        if arguments[0] != "inspect" && arguments[0] != "rejects" {
            arguments.extend(["-j", "2"]);
        }
        let file = |name| std::fs::File::create(workdir.path(name)).unwrap();
        let mut command = workdir.command(&arguments);
        command.stdout(file("said")).stderr(file("told"));
        let (code, peak) = workdir::peak::run(&mut command);
        let said = workdir.text("said") + &workdir.text("told");
        (code, peak, said)
    }

    #[test]
    fn a_gibibyte_from_a_megabyte_is_judged_for_what_it_is_in_little_memory() {
        let workdir = folder();
        let sign = "sign -f impact-user-jwt --secret-file secret.txt --progress none --force \
                    --log json -o out.ndjson @";
        let (good, long) = (&b"a@example.com,Jane,en_US\n"[..], &b"aaaaaaaaaaaaaaaa"[..]);
        let header = &b"id,firstName,locale\n"[..];
        let open = &b"id,firstName,locale\n\"a"[..];
        let check = "check -f impact-user-jwt @";
        let verify = "verify --secret-file secret.txt @";
        let explain = "explain --secret-file secret.txt @";
        let lines = [&b""[..], b"\n"];
        let after = [&b"\n"[..], good].concat();
        for (name, arguments, texts, fill, bytes, code, says, limit) in [
            // The row behind a row that is too long is signed.
            (
                "users.csv",
                sign,
                [header, &after],
                long,
                GIB,
                1,
                "\"signed\":1,",
                1,
            ),
            (
                "users.csv",
                sign,
                [header, good],
                b"\n",
                GIB / 16,
                0,
                "\"signed\":1,",
                1,
            ),
            (
                "users.csv",
                sign,
                [open, good],
                b"a",
                GIB,
                4,
                "is still open where its row",
                1,
            ),
            (
                "users.csv",
                sign,
                [b"", b""],
                long,
                GIB / 4,
                2,
                "the header on line 1 is",
                1,
            ),
            (
                "users.csv",
                check,
                [header, b"\n"],
                long,
                GIB / 4,
                1,
                "row_too_long",
                1,
            ),
            (
                "a.ndjson",
                "verify-postback @",
                lines,
                long,
                GIB / 4,
                7,
                "row_too_long",
                1,
            ),
            // A signed record may have 64 MiB, so those take as much more.
            (
                "a.ndjson",
                verify,
                lines,
                long,
                GIB / 4,
                7,
                "the row is longer than",
                2,
            ),
            (
                "a.ndjson",
                explain,
                lines,
                long,
                GIB / 4,
                7,
                "the row is longer than",
                2,
            ),
            (
                "a.ndjson",
                "inspect @",
                lines,
                long,
                GIB / 4,
                2,
                "the row is longer than",
                2,
            ),
            (
                "a.ndjson",
                "rejects @",
                lines,
                long,
                GIB / 4,
                2,
                "the row is longer than",
                2,
            ),
        ] {
            for kind in KINDS {
                let stored = bomb(texts, fill, bytes, kind);
                assert!(stored.len() < 1_200_000, "{}", stored.len());
                let name = format!("{name}.{}", ending(kind));
                workdir.write(&name, stored);
                let (found, peak, said) = peak(&workdir, &arguments.replace('@', &name));
                println!("{arguments} {name}: {peak} KiB");
                assert_eq!(found, code, "{name}: {said}");
                assert!(said.contains(says), "{name}: {said}");
                assert!(peak > 0 && peak < limit * LIMIT_KIB, "{name}: {peak} KiB");
            }
        }
    }

    #[test]
    fn an_input_may_not_become_more_than_it_is_allowed_to() {
        let workdir = folder();
        let texts = [&b"id,firstName,locale\n"[..], b""];
        for kind in KINDS {
            let name = format!("users.csv.{}", ending(kind));
            workdir.write(&name, bomb(texts, b"\n", 3 << 20, kind));
            let check = format!("check -f impact-user-jwt {name} --max-unpacked-bytes");
            let exact = texts[0].len() + (3 << 20);
            workdir.run(&format!("{check} {exact}")).exit(0);
            let more = workdir.run(&format!("{check} {}", exact - 1));
            more.exit(6)
                .says(&format!("becomes more than {} bytes", exact - 1));
            more.expect(more.hint().contains("--max-unpacked-bytes"), "the option");
        }
    }
}
