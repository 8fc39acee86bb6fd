//! 救济途径: what whoever got a refusal can do against it, by whichever service the refusal was made.

/// Both ways, the organ that hears each, and its period.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remedies {
    /// In Chinese, one sentence.
    pub zh: String,
    /// The same in English.
    pub en: String,
}

/// The remedies against a refusal of `organ` (行政许可法 art. 38; 行政复议法 2023 arts. 20, 24, 27; 行政诉讼法 art. 46). The item's
/// `own` words are taken where they name both ways and who hears them.
pub fn remedies(organ: &str, own: &str) -> Remedies {
    // 行政复议法 2023 art. 27: 税务 and other organs under vertical lead are reviewed by the organ above them.
    let vertical = ["税务", "海关", "国家安全"].iter().any(|name| organ.contains(name));
    let (above, above_en) = if vertical {
        (format!("{organ}的上一级主管部门"), format!("the organ above {organ}"))
    } else {
        (format!("{organ}的本级人民政府"), format!("the people's government to which {organ} belongs"))
    };
    let own = own.trim();
    let names_both = own.contains("复议") && own.contains("诉讼");
    let zh = if names_both && (own.contains("人民政府") || own.contains("人民法院")) {
        own.to_owned()
    } else {
        format!(
            "如不服{organ}作出的本决定，可以自收到本决定书之日起六十日内向{above}申请行政复议（《中华人民共和国行政复议法》第二十条），\
             也可以自收到本决定书之日起六个月内依法向有管辖权的人民法院提起行政诉讼（《中华人民共和国行政诉讼法》第四十六条）。"
        )
    };
    let en = format!(
        "Against this decision of {organ} one may apply for administrative reconsideration to {above_en} within 60 days of \
         receiving it (Administrative Reconsideration Law, art. 20), or sue before the competent people's court within six \
         months of receiving it (Administrative Litigation Law, art. 46)."
    );
    Remedies { zh, en }
}
