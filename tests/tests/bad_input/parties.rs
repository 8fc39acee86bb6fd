//! Parties: numbers that their standards refuse, and names and telephones that are none.

use serde_json::json;

use crate::table::Table;
use crate::world::{World, party};

const RESIDENT: &str = "DOCUMENT_KIND_RESIDENT_ID";
const USCC: &str = "DOCUMENT_KIND_UNIFIED_SOCIAL_CREDIT_CODE";
const NUMBER: &str = "applicant.document_number";

pub async fn ask(world: &World, table: &mut Table) -> anyhow::Result<()> {
    let numbers = [
        (
            "citizen number with a wrong check digit (GB 11643)",
            RESIDENT,
            "511602198503120017",
            "CITIZEN_NUMBER_CHECK_DIGIT",
        ),
        ("citizen number with the 30th of February", RESIDENT, "511602198502300015", "CITIZEN_NUMBER_BIRTH_DATE"),
        ("citizen number of 17 digits", RESIDENT, "51160219850312001", "CITIZEN_NUMBER_LENGTH"),
        ("citizen number with a letter inside", RESIDENT, "51160219850312A016", "CITIZEN_NUMBER_CHARACTER"),
        ("credit code with a wrong check character (GB 32100)", USCC, "91511602MA6B1C2D5X", "USCC_CHECK_CHARACTER"),
        ("credit code with a letter that the standard leaves out", USCC, "91511602MA6B1C2I5W", "USCC_CHARACTER"),
        ("passport number of two characters", "DOCUMENT_KIND_PASSPORT", "E1", "PASSPORT_NUMBER_FORMAT"),
    ];
    for (case, kind, number, why) in numbers {
        let answer = world.create(json!({ "applicant": party(kind, number) })).await?;
        table.field(case, &answer, "PARTY_INVALID", NUMBER, why);
    }
    let answer =
        world.create(json!({ "applicant": { "name": "张建国", "documentNumber": "511602198503120016" } })).await?;
    table.field(
        "number without the kind of its document",
        &answer,
        "PARTY_INVALID",
        "applicant.document_kind",
        "DOCUMENT_KIND_MISSING",
    );
    let answer = world.create(json!({ "applicant": { "name": "张建国", "phone": "call me" } })).await?;
    table.field("telephone in words", &answer, "PARTY_INVALID", "applicant.phone", "PHONE_FORMAT");
    let answer = world.create(json!({ "applicant": { "name": "张".repeat(201) } })).await?;
    table.field("name of 201 characters", &answer, "PARTY_INVALID", "applicant.name", "FIELD_INVALID");
    Ok(())
}
