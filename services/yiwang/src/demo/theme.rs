//! 开办餐饮店: guided questions, one form, one set of papers, one submission to four matters of two departments; the fire check by a promise, the
//! large sign refused while the others go on, and one hand-out. Everything goes through the public API.

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};

use super::client::Client;
use super::story::{Ending, collect};
use super::teller::Teller;
use super::words::{due, list, names_of, pdf, text};

const THEME: &str = "cyd";

/// Tells the whole story.
pub async fn tell(client: &Client, teller: &mut Teller) -> anyhow::Result<Ending> {
    let mut story = Story { client, teller };
    let (answers, plan) = story.ask().await?;
    let joint = story.fill_in(&answers, &plan).await?;
    story.submit(&joint).await?;
    story.register(&joint).await?;
    story.promise(&joint).await?;
    story.refuse_the_sign(&joint).await?;
    story.permit(&joint).await?;
    let ending = story.hand_out(&joint).await?;
    story.totals(&joint).await?;
    Ok(ending)
}

struct Story<'a> {
    client: &'a Client,
    teller: &'a mut Teller,
}

impl Story<'_> {
    /// 导办: question by question, until it is clear which matters there are.
    async fn ask(&mut self) -> anyhow::Result<(Value, Value)> {
        self.day("2026-09-21", 10, "（星期一）一件事，一次问清").await?;
        let replies = [
            ("form", json!("self"), "个体工商户"),
            ("area", json!(320), "320平方米"),
            ("small", json!(false), "不是"),
            ("sign", json!(true), "要"),
            ("invoices", json!(false), "暂不"),
        ];
        let mut answers = json!({});
        loop {
            let plan = self.client.ask(&format!("/v1/themes/{THEME}:plan"), json!({"answers": answers})).await?;
            let question = &plan["nextQuestion"];
            if question.is_null() {
                let members: Vec<String> = list(&plan, "members")
                    .iter()
                    .map(|member| {
                        format!("第{}步　{}（{}）", member["step"], text(member, "name"), text(member, "department"))
                    })
                    .collect();
                let details = [
                    ("要办", members.join("\n")),
                    ("一张表", format!("{}栏", list(&plan, "fields").len())),
                    ("一套材料", names_of(&plan["materials"])),
                ];
                self.teller.step("群众 张建国", "回答完毕：四件事，两个部门，一张表，一套材料", &details)?;
                return Ok((answers, plan));
            }
            let code = text(question, "code");
            let (_, value, said) = replies.iter().find(|(known, ..)| *known == code).context("an unknown question")?;
            self.teller.step("智能导办", &text(question, "text"), &[("答", (*said).to_owned())])?;
            answers[&code] = value.clone();
        }
    }

    /// One form, and each paper once.
    async fn fill_in(&mut self, answers: &Value, plan: &Value) -> anyhow::Result<String> {
        let applicant = json!({
            "name": "张建国", "documentKind": "DOCUMENT_KIND_RESIDENT_ID", "documentNumber": "511602198503120016", "phone": "13800138000"
        });
        let begin = json!({"themeCode": THEME, "answers": answers, "applicant": applicant});
        let joint = self.client.post("citizen", "/v1/jointApplications", begin).await?;
        let id = text(&joint, "id");
        let known = json!({
            "subject": "在滨江路88号开办云溪小馆", "premises_name": "云溪小馆", "premises_address": "四川省广安市广安区滨江路88号",
            "premises_kind": "宾馆饭店", "area_square_metres": 320, "floors": "地上1层"
        });
        let mut form = json!({});
        for field in list(plan, "fields") {
            let name = text(field, "name");
            if let Some(value) = known.get(&name) {
                form[name] = value.clone();
            }
        }
        self.client.post("citizen", &format!("/v1/jointApplications/{id}:saveForm"), json!({"form": form})).await?;
        for material in list(plan, "materials").iter().filter(|material| material["required"] == true) {
            let serves = list(material, "serves").first().and_then(Value::as_str).context("a paper of nobody")?;
            let (member, code) = serves.split_once('.').context("member.code")?;
            let application = text(self.member(&joint, member)?, "applicationId");
            let name = text(material, "name");
            self.client.upload("citizen", &application, code, &format!("{name}.pdf"), pdf(&name)).await?;
        }
        self.teller.step("群众 张建国", "填一张表，每样材料只交一次", &[])?;
        Ok(id)
    }

    async fn submit(&mut self, id: &str) -> anyhow::Result<()> {
        let ask = json!({"promiseMembers": ["fire"]});
        let running = self.client.post("citizen", &format!("/v1/jointApplications/{id}:submit"), ask).await?;
        let details = [("进度", progress(&running)), ("承诺全部办结", due(&running["promisedDue"]))];
        self.teller.step("群众 张建国", "一次提交；消防检查选择告知承诺", &details)?;
        Ok(())
    }

    /// The registration comes first; with it the others begin, side by side.
    async fn register(&mut self, id: &str) -> anyhow::Result<()> {
        self.day("2026-09-22", 9, "（星期二）先照后证").await?;
        let case = self.accept(id, "self", "reviewer").await?;
        self.review(&case, "OUTCOME_GRANT", "材料齐全，符合法定形式").await?;
        let decision = json!({"outcome": "OUTCOME_GRANT", "reasons": "准予登记"});
        self.client.post("approver", &format!("/v1/cases/{case}:decide"), decision).await?;
        let path = format!("/v1/jointApplications/{id}");
        let others = ["permit", "fire", "sign"];
        let all_run = |joint: &Value| others.iter().all(|code| state(joint, code) == "RUNNING");
        let running = self.client.until("citizen", &path, all_run).await?;
        self.teller.step(
            "审批局 刘明",
            "准予个体工商户登记；等它的三件事自动递交各部门，同时开始",
            &[("进度", progress(&running))],
        )?;
        Ok(())
    }

    async fn promise(&mut self, id: &str) -> anyhow::Result<()> {
        let case = self.accept(id, "fire", "fire_reviewer").await?;
        let decision = json!({"outcome": "OUTCOME_GRANT", "reasons": "材料齐全，承诺内容完整"});
        let granted = self.client.post("fire_approver", &format!("/v1/cases/{case}:decide"), decision).await?;
        let details = [("事后核查", due(&granted["followUp"]["due"]))];
        self.teller.step("消防 周海涛", "凭承诺当场许可（消防法第十五条）", &details)?;
        Ok(())
    }

    /// Each decision is its own department's: one refusal stops nobody else.
    async fn refuse_the_sign(&mut self, id: &str) -> anyhow::Result<()> {
        self.day("2026-09-24", 15, "（星期四）一件不予，其余照办").await?;
        let case = self.accept(id, "sign", "reviewer").await?;
        self.review(&case, "OUTCOME_REFUSE", "滨江路属户外广告禁设路段").await?;
        let decision = json!({"outcome": "OUTCOME_REFUSE", "reasons": "滨江路为城市户外广告设置规划确定的禁设路段，不符合法定条件"});
        let refused = self.client.post("approver", &format!("/v1/cases/{case}:decide"), decision).await?;
        let path = format!("/v1/jointApplications/{id}");
        let now = self.client.until("citizen", &path, |joint| state(joint, "sign") == "REFUSED").await?;
        let details = [("救济", text(&refused["decision"], "remedies")), ("进度", progress(&now))];
        self.teller.step("审批局 刘明", "大型户外广告：不予许可，说明理由和救济途径", &details)?;
        Ok(())
    }

    async fn permit(&mut self, id: &str) -> anyhow::Result<()> {
        self.day("2026-09-28", 10, "（星期一）食品经营许可").await?;
        let case = self.accept(id, "permit", "reviewer").await?;
        self.review(&case, "OUTCOME_GRANT", "现场布局符合要求").await?;
        let decision = json!({"outcome": "OUTCOME_GRANT", "reasons": "符合法定条件、标准"});
        self.client.post("approver", &format!("/v1/cases/{case}:decide"), decision).await?;
        self.teller.step("审批局 刘明", "准予食品经营许可", &[])?;
        Ok(())
    }

    /// 一次出件: all that was granted, together.
    async fn hand_out(&mut self, id: &str) -> anyhow::Result<Ending> {
        let path = format!("/v1/jointApplications/{id}");
        let ended = |joint: &Value| joint["phase"] == "JOINT_PHASE_ENDED" && list(joint, "readyMembers").len() == 3;
        let joint = self.client.until("citizen", &path, ended).await?;
        let came = |code: &Value| {
            let member = self.member(&joint, code.as_str().unwrap_or_default()).ok()?;
            Some(format!("{}　{}", text(member, "name"), text(&member["result"], "number")))
        };
        let results: Vec<String> = list(&joint, "readyMembers").iter().filter_map(came).collect();
        let fire = text(&self.member(&joint, "fire")?["result"], "licenseId");
        self.teller.step(
            "综合出件窗口",
            "四件事全部办结，一次出件",
            &[("出件", results.join("\n")), ("进度", progress(&joint))],
        )?;
        collect(self.client, self.teller, &fire).await
    }

    async fn totals(&mut self, id: &str) -> anyhow::Result<()> {
        let joint = self.client.get("citizen", &format!("/v1/jointApplications/{id}")).await?;
        let count = |name: &str| list(&joint, "members").iter().filter(|member| member["state"] == name).count();
        let totals = json!({
            "submissions": 1, "members": list(&joint, "members").len(), "granted": count("JOINT_MEMBER_STATE_GRANTED"),
            "refused": count("JOINT_MEMBER_STATE_REFUSED"), "handedOut": list(&joint, "readyMembers").len(),
        });
        self.teller.end(totals)?;
        Ok(())
    }

    /// The window accepts a member's application; its case.
    async fn accept(&mut self, id: &str, member: &str, reviewer: &str) -> anyhow::Result<String> {
        let joint = self.client.get("clerk", &format!("/v1/jointApplications/{id}")).await?;
        let application = text(self.member(&joint, member)?, "applicationId");
        let accepted = self.client.post("clerk", &format!("/v1/applications/{application}:accept"), json!({})).await?;
        let number = text(&accepted, "caseNumber");
        ensure!(!number.is_empty(), "{member} has no case number");
        let path = format!("/v1/cases?caseNumber={number}");
        let listed = self.client.until(reviewer, &path, |answer| !list(answer, "cases").is_empty()).await?;
        self.teller.step("窗口 王晓燕", &format!("受理“{}”", text(&accepted, "itemName")), &[("办件编号", number)])?;
        Ok(text(&list(&listed, "cases")[0], "id"))
    }

    async fn review(&mut self, case: &str, outcome: &str, opinion: &str) -> anyhow::Result<()> {
        let review = json!({"recommendation": outcome, "opinion": opinion});
        self.client.post("reviewer", &format!("/v1/cases/{case}:review"), review).await?;
        self.teller.step("审批局 陈志强", "提出审查意见", &[("意见", opinion.to_owned())])?;
        Ok(())
    }

    fn member<'a>(&self, joint: &'a Value, code: &str) -> anyhow::Result<&'a Value> {
        list(joint, "members").iter().find(|member| member["memberCode"] == code).context("no such member")
    }

    async fn day(&mut self, date: &str, hour: u32, remark: &str) -> anyhow::Result<()> {
        self.client.go_to(date, hour).await?;
        self.teller.day(date, remark)?;
        Ok(())
    }
}

fn state<'a>(joint: &'a Value, code: &str) -> &'a str {
    let member = list(joint, "members").iter().find(|member| member["memberCode"] == code);
    let state = member.and_then(|member| member["state"].as_str()).unwrap_or_default();
    state.strip_prefix("JOINT_MEMBER_STATE_").unwrap_or(state)
}

/// 一条进度: where every member stands.
fn progress(joint: &Value) -> String {
    let one = |member: &Value| {
        let stands = match state(joint, &text(member, "memberCode")) {
            "WAITING" => "等前置事项",
            "RELEASED" => "正在递交",
            "STUCK" => "待处理",
            "RUNNING" => "部门办理中",
            "GRANTED" => "已办成",
            "REFUSED" => "不予",
            "WITHDRAWN" => "已撤回",
            _ => "不再办理",
        };
        format!("{}：{stands}", text(member, "name"))
    };
    list(joint, "members").iter().map(one).collect::<Vec<_>>().join("\n")
}
