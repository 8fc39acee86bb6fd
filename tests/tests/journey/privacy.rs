//! Personal data: nowhere in clear, every reading by staff recorded, erased when it must be.

use serde_json::json;
use yiwang_tests::town::{POSTGRES, SERVICES, Town};

use crate::main_job::{NAME, NUMBER, PHONE, accept, grant, hand_in, has_a_right, text};

const PAPER: &str = "only one paper says this";
const WORDS: &str = "窗口的小李让我回家找我妻子签字";
const PLANTED: [&str; 6] = [NAME, NUMBER, PHONE, "广安区滨江路88号", PAPER, WORDS];

/// What stands where a name was.
const ERASED: &str = "（已删除）";

pub async fn planted_numbers_are_nowhere_in_clear(town: Town) -> anyhow::Result<()> {
    let application = hand_in(&town).await?;
    let case = accept(&town, &application).await?;
    let granted = grant(&town, &case).await?;
    has_a_right(&town).await?;
    let evaluation = json!({
        "caseNumber": granted["caseNumber"], "serviceNumber": 1, "satisfaction": "SATISFACTION_SATISFIED", "text": WORDS
    });
    town.post("citizen", "/v1/evaluations", evaluation).await?;
    let draft = json!({"itemCode": crate::main_job::HYGIENE, "applicant": crate::main_job::applicant()});
    let second = town.post("citizen", "/v1/applications", draft).await?;
    town.upload("citizen", text(&second, "id"), "floor_plan", PAPER).await?;
    let mut places = town.everything()?;
    for service in SERVICES {
        if let Some(schema) = town.schema(service) {
            let dump = std::process::Command::new("pg_dump")
                .args(["--inserts", "--schema", schema, &std::env::var(POSTGRES)?])
                .output()?;
            assert!(dump.status.success(), "{}", String::from_utf8_lossy(&dump.stderr));
            places.push((schema.into(), readable(&dump.stdout)));
        }
    }
    assert!(places.iter().any(|(_, bytes)| contains(bytes, "sealed")), "looked in the wrong places");
    for (place, bytes) in &places {
        for planted in PLANTED {
            assert!(!contains(bytes, planted), "{planted} stands in clear in {}", place.display());
        }
    }
    Ok(())
}

/// A dump with its `\x…` byte strings decoded, so that a number inside one would be found.
fn readable(dump: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(dump);
    let decoded = text.split("'\\x").skip(1).filter_map(|part| {
        let hex = part.split('\'').next()?;
        (0..hex.len() / 2).map(|n| u8::from_str_radix(hex.get(2 * n..2 * n + 2)?, 16).ok()).collect::<Option<Vec<u8>>>()
    });
    let mut all = dump.to_vec();
    decoded.for_each(|bytes| all.extend(bytes));
    all
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

pub async fn a_staff_reading_leaves_an_entry(town: Town) -> anyhow::Result<()> {
    let application = hand_in(&town).await?;
    let head = || async {
        let head = town.get("admin", "/v1/ledgers/intake/head").await?;
        anyhow::Ok(text(&head, "position").parse::<u64>()?)
    };
    let path = format!("/v1/applications/{application}");
    let before = head().await?;
    town.get("citizen", &path).await?;
    assert_eq!(head().await?, before, "one's own reading is nobody's business");
    town.get("clerk", &path).await?;
    assert_eq!(head().await?, before + 1);
    Ok(())
}

pub async fn an_erased_person_is_erased_everywhere(town: Town) -> anyhow::Result<()> {
    let application = hand_in(&town).await?;
    let case = accept(&town, &application).await?;
    let granted = grant(&town, &case).await?;
    let path = format!("/v1/applications/{application}");
    let person = json!({"documentKind": "DOCUMENT_KIND_RESIDENT_ID", "documentNumber": NUMBER, "reason": "个人信息保护法 第四十七条"});
    town.post("admin", "/v1/ledgers/intake/subjects:erase", person).await?;
    assert_eq!(text(&town.get("clerk", &path).await?["applicant"], "name"), ERASED);
    let license = format!("/v1/licenses/{}", text(&granted["result"], "licenseId"));
    town.until("approver", &license, |license| text(&license["holder"], "name") == ERASED).await?;
    Ok(())
}
