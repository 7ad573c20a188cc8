//! What is told before a night's run: how much it would be, and what it would
//! look like; and until when its output may be used.

#![allow(clippy::unwrap_used)]

mod workdir;

use serde_json::Value;

use workdir::{Workdir, now};

fn workdir() -> Workdir {
    let workdir = Workdir::new();
    let row = |n: u64| format!("example123.skadnetwork,{},{}\n", 100 + n, 525_463_000 + n);
    let rows: String = (0..12).map(row).collect();
    workdir.write(
        "campaigns.csv",
        format!("ad_network_id,source_identifier,advertised_app_id\n{rows}"),
    );
    let publisher = |n: u64| format!("p{n},{}\n", 1_000_000 + n);
    let publishers: String = (0..480).map(publisher).collect();
    workdir.write(
        "publishers.csv",
        format!("publisher,source_app_id\n{publishers}"),
    );
    workdir
}

const PRODUCT: &str = "--format skan-view,skan-storekit --publishers publishers.csv --count 50 \
                       -k key.pem campaigns.csv";

#[test]
fn a_plan_multiplies_and_measures_and_leaves_nothing_behind() {
    let workdir = workdir();
    let before = workdir.files();
    for verb in ["plan", "sign --plan"] {
        let run = workdir.run(&format!("{verb} {PRODUCT}"));
        run.exit(0)
            .says("12 rows × 480 publishers × 2 formats × 50 copies = 576,000 signatures")
            .says("288,000 skan-view")
            .says("288,000 skan-storekit")
            .says("expected  about ");
        assert_eq!(workdir.files(), before);
    }
    let run = workdir.run(&format!("plan --log json {PRODUCT}"));
    run.exit(0);
    let events = run
        .stderr
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let plan = events
        .into_iter()
        .find(|event| event["event"] == "plan")
        .unwrap();
    assert_eq!(plan["signatures"], 576_000);
    assert_eq!(plan["publishers"], 480);
    assert!(plan["seconds"].as_f64().unwrap() > 0.0);
    // A line has some four hundred bytes.
    let bytes = plan["bytes"].as_u64().unwrap();
    assert!((576_000 * 300..576_000 * 600).contains(&bytes), "{bytes}");
}

#[test]
fn a_plan_tells_rejects_by_code_and_keys_by_name_and_ends_as_the_run_would() {
    let workdir = workdir();
    workdir.write(
        "keys.toml",
        "[[key]]\nid = \"net\"\nfile = \"key.pem\"\nfamilies = [\"ad-network\"]\nad-network-ids = [\"example123.skadnetwork\"]\n",
    );
    let rows = workdir
        .text("campaigns.csv")
        .replace("100,", "100x,")
        .replace("example123.skadnetwork,101", "other.skadnetwork,101");
    workdir.write("campaigns.csv", rows);
    let arguments = PRODUCT.replace("-k key.pem", "--keys keys.toml");
    let run = workdir.run(&format!("plan {arguments}"));
    run.exit(1)
        .says("10 rows × 480 publishers × 2 formats × 50 copies = 480,000 signatures")
        .says("240,000 skan-view with net")
        .says("1 no_key")
        .says("1 not_integer");
    let run = workdir.run_with(
        &[
            "plan",
            "--format",
            "skan-view",
            "-k",
            "key.pem",
            "--input-format",
            "csv",
        ],
        b"x",
    );
    run.exit(2).says("can be read only once");
}

#[test]
fn an_estimate_is_of_the_order_of_what_the_run_writes() {
    let workdir = workdir();
    let arguments = PRODUCT.replace("--count 50", "--count 2");
    let plan = workdir.run(&format!("plan --log json {arguments}"));
    let events = plan
        .stderr
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let plan = events
        .into_iter()
        .find(|event| event["event"] == "plan")
        .unwrap();
    workdir
        .run(&format!("sign {arguments} -o out.ndjson"))
        .exit(0);
    let bytes = workdir.bytes("out.ndjson").len() as u64;
    let told = plan["bytes"].as_u64().unwrap();
    assert!(told.abs_diff(bytes) < bytes / 50, "{told} {bytes}");
}

#[test]
fn a_sample_shows_rows_the_strings_signed_and_what_the_run_would_write() {
    let workdir = workdir();
    let before = workdir.files();
    let job = "--job-id j --timestamp 1760000000000";
    let product = PRODUCT.replace("--count 50", "--count 2");
    let run = workdir.run(&format!("sign --sample 3 {job} {product}"));
    run.exit(0)
        .says("3 rows signed and verified; nothing was written");
    assert_eq!(workdir.files(), before);
    for (nth, line) in [(1, 4), (2, 8), (3, 12)] {
        run.prints(&format!(
            "── sample {nth} of 3: campaigns.csv line {line}, one of 1,920 records"
        ));
    }
    run.prints("example123.skadnetwork,102,525463002")
        .prints("signed string  4.0␣example123.skadnetwork␣102␣525463002␣");
    assert!(!run.stdout.contains('\u{2063}'));
    // What is shown is what the run writes, to the byte.
    workdir
        .run(&format!("sign {job} {product} -o out.ndjson"))
        .exit(0);
    let written = workdir.text("out.ndjson");
    let shown: Vec<&str> = run.stdout.lines().filter(|l| l.starts_with('{')).collect();
    assert_eq!(shown.len(), 6);
    for line in shown {
        assert!(written.contains(line), "{line}");
    }
    // More rows are asked for than there are.
    let run = workdir.run(&format!("sign --sample 99 {PRODUCT}"));
    run.exit(0).says("12 rows signed and verified");
}

#[test]
fn records_say_from_when_and_until_when_they_may_be_used() {
    let workdir = Workdir::new();
    let time = now();
    let sign = |arguments: &str| {
        let fixed = format!("--force --use-window --timestamp {time} -o out.ndjson");
        let run = workdir.run(&format!("sign {fixed} {arguments}"));
        run.exit(0);
        (workdir.json("out.ndjson"), run.stderr)
    };
    const HOUR: u64 = 3_600_000;

    workdir.write(
        "offers.csv",
        "bundle_id,key_id,product_id,offer_identifier\ncom.example,ABCDE12345,p,o\n",
    );
    let (records, said) = sign("--format appstore-promo-v1 -k key.pem offers.csv");
    // Twenty-four hours, and ten minutes to use it.
    assert_eq!(records[0]["use_after"], time);
    assert_eq!(records[0]["use_before"], time + 24 * HOUR - 600_000);
    assert!(
        said.contains("until ") && said.contains("24 hours"),
        "{said}"
    );

    workdir.write("users.csv", "id,exp\njane,\njohn,1900000000\n");
    let (records, said) =
        sign("--format impact-user-jwt --secret-file secret.txt --expires +2d users.csv");
    let expiry = (time + 48 * HOUR) / 1000 * 1000;
    assert_eq!(records[0]["use_after"], time);
    assert_eq!(records[0]["use_before"], expiry);
    assert_eq!(records[1]["use_before"], 1_900_000_000_000_u64);
    assert!(said.contains("the tokens' own expiry"), "{said}");

    workdir.write(
        "ads.csv",
        "ad_network_id,source_identifier,advertised_app_id,source_app_id\nexample123.skadnetwork,12,5,1\n",
    );
    let (records, said) = sign("--format skan-view -k key.pem --count 3 --spread 16h ads.csv");
    for record in &records {
        assert_eq!(record["use_after"], record["timestamp"]);
        assert_eq!(record.get("use_before"), None);
    }
    assert!(said.contains("no limit is published"), "{said}");
    let (objects, _) = sign("--format skan-view,skan-storekit --shape openrtb -k key.pem ads.csv");
    assert_eq!(objects[0]["use_after"], time);
    assert!(objects[0]["object"]["skadn"].is_object());
    let run = workdir.run("verify out.ndjson --public-key pub.pem");
    run.exit(0);

    // In CSV they are columns of their own.
    let fixed = format!("--use-window --timestamp {time} -o cells.csv");
    workdir
        .run(&format!(
            "sign {fixed} --format appstore-promo-v1 -k key.pem offers.csv"
        ))
        .exit(0);
    let lines = workdir.lines("cells.csv");
    assert!(
        lines[0].ends_with(",use_after,use_before,signature"),
        "{}",
        lines[0]
    );
    assert!(lines[1].contains(&format!(",{time},{},", time + 24 * HOUR - 600_000)));
    workdir.run("verify cells.csv --public-key pub.pem").exit(0);
    // A kept column of that name has no place.
    workdir.write("ads.csv", "ad_network_id,source_identifier,advertised_app_id,source_app_id,use_after\nexample123.skadnetwork,12,5,1,x\n");
    let run = workdir.run(
        "sign --format skan-view -k key.pem --keep use_after --use-window -o z.ndjson ads.csv",
    );
    run.exit(2).says("use_after");
}

#[test]
fn a_plan_of_a_job_file_tells_of_each_output() {
    let workdir = workdir();
    workdir.write(
        "job.toml",
        "input = \"campaigns.csv\"\nkey = \"key.pem\"\npublishers = \"publishers.csv\"\n\
         [[output]]\nname = \"views\"\nformat = \"skan-view\"\noutput = \"views.ndjson\"\n\
         [[output]]\nname = \"bids\"\nformat = [\"skan-view\", \"skan-storekit\"]\nshape = \"openrtb\"\nout-dir = \"bids\"\n",
    );
    let before = workdir.files();
    let run = workdir.run("run job.toml --plan");
    run.exit(0)
        .says("12 rows × 480 publishers = 5,760 signatures")
        .says("12 rows × 480 publishers × 2 formats = 11,520 signatures");
    assert_eq!(workdir.files(), before);
    workdir
        .run("run job.toml --sample 1")
        .exit(0)
        .prints("openrtb of skan-storekit");
    assert_eq!(workdir.files(), before);
}
