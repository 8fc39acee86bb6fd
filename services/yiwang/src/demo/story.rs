//! 云溪客栈: a guesthouse gets its hygiene permit (一次补正，审查与决定分属两人) and its fire check (告知承诺，事后核查), and its
//! owner judges both services. Everything goes through the public API; only legal time is moved from outside.

use anyhow::{Context as _, ensure};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::json;

use super::client::Client;
use super::teller::Teller;
use super::words::{due, last, limit, list, names_of, overdue, pdf, text, validity, yes_no};

/// The day on which the story begins: before 中秋 and 国庆, so that the working-day clock has something to explain.
pub const FIRST_DAY: &str = "2026-09-21";

const HYGIENE: &str = "511A0015500009-511602000000-000-115113016823646795-1-00";
const FIRE: &str = "511A0021300001-511602000000-000-11511300MB1A21304N-1-00";

/// What the story leaves behind: one licence, as signed.
pub struct Ending {
    /// The exact bytes that were signed.
    pub payload: Vec<u8>,
    /// DER.
    pub signature: Vec<u8>,
    /// PEM.
    pub issuer: String,
}

/// Tells the whole story.
pub async fn tell(client: &Client, teller: &mut Teller) -> anyhow::Result<Ending> {
    let mut story = Story { client, teller };
    let hygiene = story.hand_in().await?;
    story.tell_once(&hygiene).await?;
    let hygiene_case = story.complete(&hygiene).await?;
    let fire_case = story.fire_check().await?;
    story.review(&hygiene_case).await?;
    story.decide(&hygiene_case).await?;
    let ending = story.collect(&hygiene_case).await?;
    story.evaluate(&hygiene_case, &fire_case).await?;
    story.follow_up(&fire_case).await?;
    story.totals().await?;
    Ok(ending)
}

struct Story<'a> {
    client: &'a Client,
    teller: &'a mut Teller,
}

impl Story<'_> {
    /// Finds the item with a citizen's words, fills in the form, hands in what is at hand.
    async fn hand_in(&mut self) -> anyhow::Result<String> {
        self.day("2026-09-21", 10, "（星期一）递交").await?;
        let found = self.client.get_public("/v1/items?query=宾馆 卫生许可&page_size=3").await?;
        let names: Vec<String> = list(&found, "items").iter().map(|item| text(item, "name")).collect();
        self.teller.step("群众 张建国", "用大白话查事项：“宾馆 卫生许可”", &[("前三条", names.join("；"))])?;
        let guide = self.client.get_public(&format!("/v1/items/{HYGIENE}")).await?;
        let limits = [
            ("法定时限", limit(&guide["legalLimit"])),
            ("承诺时限", limit(&guide["promisedLimit"])),
            ("所需材料", names_of(&guide["materials"])),
        ];
        self.teller.step("群众 张建国", &format!("看办事指南：{}", text(&guide, "name")), &limits)?;
        let applicant = json!({
            "name": "张建国", "documentKind": "DOCUMENT_KIND_RESIDENT_ID", "documentNumber": "511602198503120016", "phone": "13800138000"
        });
        let draft = self
            .client
            .post("citizen", "/v1/applications", json!({"itemCode": HYGIENE, "applicant": applicant}))
            .await?;
        let id = text(&draft, "id");
        let form = json!({
            "premises_name": "云溪客栈", "premises_address": "四川省广安市广安区滨江路88号", "business_kind": "住宿",
            "area_square_metres": 860, "staff_count": 12, "rooms": 24, "central_air_conditioning": false
        });
        self.client.patch("citizen", &format!("/v1/applications/{id}"), json!({"form": form})).await?;
        for (material, name) in
            [("identity", "身份证.pdf"), ("hygiene_system", "卫生管理制度.pdf"), ("floor_plan", "平面图.pdf")]
        {
            self.client.upload("citizen", &id, material, name, pdf(name)).await?;
        }
        let submitted = self.client.post("citizen", &format!("/v1/applications/{id}:submit"), json!({})).await?;
        let details = [
            ("收件凭证", text(&submitted, "receiptNumber")),
            ("五日内不告知即视为受理", due(&submitted["acceptanceDue"])),
        ];
        self.teller.step("群众 张建国", "填一张表，交三份材料，提交申请", &details)?;
        Ok(id)
    }

    /// 一次性告知: everything that is missing, once.
    async fn tell_once(&mut self, id: &str) -> anyhow::Result<()> {
        self.day("2026-09-22", 10, "（星期二）一次性告知").await?;
        let points = json!([
            {"materialCode": "floor_plan", "text": "平面图缺少客房卫生间布局，请补充"},
            {"materialCode": "test_report", "text": "缺少公共场所卫生检测或者评价报告"},
        ]);
        let told = self
            .client
            .post("clerk", &format!("/v1/applications/{id}:requestCorrection"), json!({"points": points}))
            .await?;
        let correction = last(&told, "corrections");
        let missing: Vec<String> = list(correction, "points").iter().map(|point| text(point, "text")).collect();
        let details = [
            ("补正告知书", text(correction, "noticeNumber")),
            ("需补正", missing.join("\n")),
            ("请在此日前补正", due(&correction["replyDue"])),
        ];
        self.teller.step("窗口 王晓燕", "一次告知全部需要补正的内容（行政许可法第三十二条）", &details)?;
        Ok(())
    }

    async fn complete(&mut self, id: &str) -> anyhow::Result<String> {
        self.day("2026-09-24", 14, "（星期四）补正、受理").await?;
        for (material, name) in [("floor_plan", "平面图（补正）.pdf"), ("test_report", "卫生检测报告.pdf")]
        {
            self.client.upload("citizen", id, material, name, pdf(name)).await?;
        }
        self.client
            .post("citizen", &format!("/v1/applications/{id}:resubmit"), json!({"note": "已按告知书补齐"}))
            .await?;
        self.teller.step("群众 张建国", "补交两份材料，再次提交", &[])?;
        let accepted = self.client.post("clerk", &format!("/v1/applications/{id}:accept"), json!({})).await?;
        let number = text(&accepted, "caseNumber");
        let case = self.case_of(&number).await?;
        let opened = self.client.get("reviewer", &format!("/v1/cases/{case}")).await?;
        let clock = &opened["clock"];
        let details =
            [("办件编号", number), ("承诺办结", due(&clock["promisedDue"])), ("法定期限", due(&clock["legalDue"]))];
        self.teller.step("窗口 王晓燕", "材料齐全，予以受理，转区行政审批局", &details)?;
        Ok(case)
    }

    /// 告知承诺: complete papers and a signed promise, the permit at once, the check afterwards.
    async fn fire_check(&mut self) -> anyhow::Result<String> {
        let applicant = json!({
            "name": "张建国", "documentKind": "DOCUMENT_KIND_RESIDENT_ID", "documentNumber": "511602198503120016", "phone": "13800138000"
        });
        let form = json!({
            "premises_name": "云溪客栈", "premises_address": "四川省广安市广安区滨江路88号", "premises_kind": "宾馆饭店",
            "area_square_metres": 860, "floors": "地上1至4层", "automatic_sprinklers": true, "fire_safety_manager": "张建国"
        });
        let draft = json!({"itemCode": FIRE, "applicant": applicant, "form": form});
        let id = text(&self.client.post("citizen", "/v1/applications", draft).await?, "id");
        for (material, name) in [
            ("identity", "身份证.pdf"),
            ("fire_system", "消防安全制度和应急预案.pdf"),
            ("layout", "消防设施平面图.pdf"),
        ] {
            self.client.upload("citizen", &id, material, name, pdf(name)).await?;
        }
        self.client.post("citizen", &format!("/v1/applications/{id}:submit"), json!({"signPromise": true})).await?;
        self.teller.step("群众 张建国", "申请消防安全检查，选择告知承诺并签署承诺书", &[])?;
        let accepted = self.client.post("clerk", &format!("/v1/applications/{id}:accept"), json!({})).await?;
        let number = text(&accepted, "caseNumber");
        let case = self.case_of_organ(&number, "fire_reviewer").await?;
        self.teller.step("窗口 王晓燕", "材料齐全、承诺已签，当场受理，转区消防大队", &[("办件编号", number)])?;
        let decision = json!({"outcome": "OUTCOME_GRANT", "reasons": "材料齐全，承诺内容完整"});
        let granted = self.client.post("fire_approver", &format!("/v1/cases/{case}:decide"), decision).await?;
        let details =
            [("决定书", text(&granted["decision"], "documentNumber")), ("事后核查", due(&granted["followUp"]["due"]))];
        let what = "凭承诺当场许可，不经审查环节（消防法第十五条），事后核查；窗口不是消防机构，不能代为许可";
        self.teller.step("消防 周海涛", what, &details)?;
        Ok(case)
    }

    async fn review(&mut self, case: &str) -> anyhow::Result<()> {
        self.day("2026-09-29", 10, "（星期二）审查").await?;
        let review =
            json!({"recommendation": "OUTCOME_GRANT", "opinion": "现场审核合格，布局与卫生设施符合标准，建议准予许可"});
        let reviewed = self.client.post("reviewer", &format!("/v1/cases/{case}:review"), review).await?;
        self.teller.step("审批局 陈志强", "提出审查意见", &[("意见", text(&reviewed["review"], "opinion"))])?;
        Ok(())
    }

    async fn decide(&mut self, case: &str) -> anyhow::Result<()> {
        self.day("2026-10-08", 10, "（星期四，国庆假后第一个工作日）决定").await?;
        let decision = json!({"outcome": "OUTCOME_GRANT", "reasons": "申请符合法定条件、标准"});
        let decided = self.client.post("approver", &format!("/v1/cases/{case}:decide"), decision).await?;
        let details =
            [("决定书", text(&decided["decision"], "documentNumber")), ("是否超期", overdue(&decided["clock"]))];
        self.teller.step("审批局 刘明", "作出准予行政许可决定（与审查人不是同一人）", &details)?;
        Ok(())
    }

    /// The licence comes by itself.
    async fn collect(&mut self, case: &str) -> anyhow::Result<Ending> {
        let path = format!("/v1/cases/{case}");
        let done = self.client.until("citizen", &path, |case| !text(&case["result"], "licenseId").is_empty()).await?;
        collect(self.client, self.teller, &text(&done["result"], "licenseId")).await
    }

    /// 好差评: one right a service; a bad one must be answered within a working day.
    async fn evaluate(&mut self, hygiene: &str, fire: &str) -> anyhow::Result<()> {
        let affairs = self
            .client
            .until("citizen", "/v1/me/affairs", |affairs| list(&affairs["pendingEvaluations"], "rights").len() >= 2)
            .await?;
        let count = |section: &str, list_name: &str| list(&affairs[section], list_name).len().to_string();
        let details = [
            ("申请", count("applications", "applications")),
            ("办件", count("cases", "cases")),
            ("证照", count("licenses", "licenses")),
            ("待评价", count("pendingEvaluations", "rights")),
        ];
        self.teller.step("群众 张建国", "“我的事”一页看全", &details)?;
        let fire_number = self.number("fire_reviewer", fire).await?;
        let good = json!({"caseNumber": fire_number, "serviceNumber": 1, "satisfaction": "SATISFACTION_VERY_SATISFIED", "text": "当场就办好了"});
        self.client.post("citizen", "/v1/evaluations", good).await?;
        self.teller.step("群众 张建国", "评价消防检查：非常满意", &[])?;
        let number = self.number("approver", hygiene).await?;
        let bad = json!({
            "caseNumber": number, "serviceNumber": 1, "satisfaction": "SATISFACTION_DISSATISFIED", "text": "检测报告一开始没说要，多跑了一趟"
        });
        let given = self.client.post("citizen", "/v1/evaluations", bad).await?;
        self.teller.step("群众 张建国", "评价卫生许可：不满意", &[("须核实答复", due(&given["verificationDue"]))])?;
        self.day("2026-10-09", 11, "（星期五）差评核实").await?;
        let id = text(&given, "id");
        let reply = json!({"finding": "FINDING_RECTIFIED", "text": "情况属实，已在办事指南首屏标明检测报告可容缺后补，向您致歉"});
        let replied = self.client.post("supervisor", &format!("/v1/evaluations/{id}:reply"), reply).await?;
        let details = [("答复", text(&replied["reply"], "text")), ("是否逾期", yes_no(&replied["reply"]["late"]))];
        self.teller.step("效能监督 何平", "核实差评并答复（不是被评价的人）", &details)?;
        Ok(())
    }

    async fn follow_up(&mut self, case: &str) -> anyhow::Result<()> {
        self.day("2026-10-13", 15, "（星期二）事后核查").await?;
        let check = json!({"outcome": "CHECK_OUTCOME_PASSED", "findings": "现场与承诺一致"});
        let checked = self.client.post("fire_reviewer", &format!("/v1/cases/{case}:check"), check).await?;
        self.teller.step("消防 赵勇", "核查承诺兑现情况", &[("结果", text(&checked["followUp"], "findings"))])?;
        Ok(())
    }

    async fn totals(&mut self) -> anyhow::Result<()> {
        let affairs = self.client.get("citizen", "/v1/me/affairs").await?;
        let count = |section: &str, name: &str| list(&affairs[section], name).len();
        let totals = json!({
            "applications": count("applications", "applications"), "cases": count("cases", "cases"),
            "licenses": count("licenses", "licenses"), "pendingEvaluations": count("pendingEvaluations", "rights"),
            "complete": affairs["complete"],
        });
        self.teller.end(totals)?;
        Ok(())
    }

    async fn day(&mut self, date: &str, hour: u32, remark: &str) -> anyhow::Result<()> {
        self.client.go_to(date, hour).await?;
        self.teller.day(date, remark)?;
        Ok(())
    }

    async fn case_of(&self, number: &str) -> anyhow::Result<String> {
        self.case_of_organ(number, "reviewer").await
    }

    /// The case arrives over a relay; its organ's reviewer sees it in the list.
    async fn case_of_organ(&self, number: &str, reviewer: &str) -> anyhow::Result<String> {
        let path = format!("/v1/cases?caseNumber={number}");
        let listed = self.client.until(reviewer, &path, |answer| !list(answer, "cases").is_empty()).await?;
        Ok(text(&list(&listed, "cases")[0], "id"))
    }

    async fn number(&self, account: &str, case: &str) -> anyhow::Result<String> {
        Ok(text(&self.client.get(account, &format!("/v1/cases/{case}")).await?, "caseNumber"))
    }
}

/// A licence: its owner reads it, and anybody can check it.
pub async fn collect(client: &Client, teller: &mut Teller, id: &str) -> anyhow::Result<Ending> {
    let license = client.get("citizen", &format!("/v1/licenses/{id}")).await?;
    let details = [
        ("证照标识", text(&license, "identifier")),
        ("证号", text(&license, "number")),
        ("有效期", validity(&license)),
    ];
    teller.step("系统", &format!("签发电子证照：{}", text(&license, "name")), &details)?;
    let (payload, signature) = (text(&license, "payload"), text(&license, "signature"));
    let check = client.ask("/v1/licenses:verify", json!({"payload": payload, "signature": signature})).await?;
    ensure!(check["valid"] == true, "the licence does not verify: {check}");
    let details = [
        ("签名有效", check["signatureValid"].to_string()),
        ("现状", text(&check, "status")),
        ("说明", text(&check, "text")),
    ];
    teller.step("任何人", "验证证照：签名与现状一起回答", &details)?;
    let key = client.get_public(&format!("/v1/licenses/keys/{}", text(&license, "keyId"))).await?;
    Ok(Ending {
        payload: BASE64_STANDARD.decode(payload).context("payload")?,
        signature: BASE64_STANDARD.decode(signature).context("signature")?,
        issuer: text(&key, "publicKeyPem"),
    })
}
