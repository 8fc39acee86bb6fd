//! `yiwang demo`: the suite on a fixed day, and a story told through its public API.

mod client;
mod story;
mod teller;
mod theme;
mod words;

use std::path::{Path, PathBuf};

use anyhow::Context as _;

use client::Client;
pub use client::Tokens;
pub use story::FIRST_DAY;
use teller::Teller;

/// The stories.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Story {
    /// 宾馆的卫生许可和消防检查 / a guesthouse's hygiene permit and fire check
    Permit,
    /// 开办餐饮店一件事：一次申请，几个部门 / a restaurant: one application, several departments
    Theme,
}

/// Options of `yiwang demo`.
#[derive(Debug, clap::Args)]
pub struct DemoArgs {
    /// 讲哪一个故事 / which story is told
    #[arg(long, value_enum, default_value_t = Story::Permit)]
    pub story: Story,
    /// 演示结束后退出 / end after the story instead of leaving the server up
    #[arg(long)]
    pub exit: bool,
    /// 把一份证照的签名原文、签名和公钥写到此目录 / write one licence's signed bytes, signature and key to this folder
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// 每一步输出一个 JSON 对象 / print one JSON object a step
    #[arg(long)]
    pub json: bool,
    /// 监听地址 / where to listen
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
    pub listen: String,
}

/// Tells the story to the suite that listens at `base`.
pub async fn run(args: &DemoArgs, base: String, tokens: Tokens) -> anyhow::Result<()> {
    let mut teller = Teller::new(args.json);
    let what = match args.story {
        Story::Permit => "A guesthouse's hygiene permit and fire check, through the public API.",
        Story::Theme => "A restaurant: one application, four matters of two departments, through the public API.",
    };
    teller.remark(&format!("一网演示 · {base} · 法定时间从 {FIRST_DAY} 开始\n{what}"))?;
    let client = Client::new(base, tokens)?;
    let ending = match args.story {
        Story::Permit => story::tell(&client, &mut teller).await?,
        Story::Theme => theme::tell(&client, &mut teller).await?,
    };
    if let Some(out) = &args.out {
        write(out, &ending)?;
        teller.remark(&format!(
            "\n证照已写入 {0}，可用国密验签：\n  openssl dgst -sm3 -verify {0}/issuer.pem -sigopt distid:1234567812345678 -signature {0}/licence.sig {0}/licence.json",
            out.display()
        ))?;
    }
    Ok(())
}

fn write(out: &Path, ending: &story::Ending) -> anyhow::Result<()> {
    let files = [
        ("licence.json", ending.payload.as_slice()),
        ("licence.sig", ending.signature.as_slice()),
        ("issuer.pem", ending.issuer.as_bytes()),
    ];
    std::fs::create_dir_all(out).with_context(|| format!("{}", out.display()))?;
    for (name, bytes) in files {
        std::fs::write(out.join(name), bytes).with_context(|| format!("{}", out.join(name).display()))?;
    }
    Ok(())
}
