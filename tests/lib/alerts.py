"""Alerts and dashboard speak of what there is: every metric is in the table of docs/operations.md, every alert has its section
there, a test and a severity, and every expression of the dashboard parses.

    alerts.py FOLDER DOCUMENT
"""

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

folder, document = Path(sys.argv[1]), Path(sys.argv[2]).read_text()
rules = [rule for group in yaml.safe_load((folder / "alerts.yaml").read_text())["groups"] for rule in group["rules"]]
tests = yaml.safe_load((folder / "alerts.test.yaml").read_text())["tests"]
panels = json.loads((folder / "dashboard.json").read_text())["panels"]
shown = [target["expr"] for panel in panels for target in panel.get("targets", [])]

known = set(re.findall(r"^\| `(yiwang_\w+)`", document, re.MULTILINE))
found = []
for expression in [rule["expr"] for rule in rules] + shown:
    for metric in re.findall(r"\byiwang_\w+", expression):
        if metric not in known and re.sub(r"_(bucket|sum|count)$", "", metric) not in known:
            found.append(f"{metric} is not in the table of metrics")

fired = {one["alertname"] for test in tests for one in test["alert_rule_test"] if one["exp_alerts"]}
for rule in rules:
    name = rule["alert"]
    if f"\n### {name}\n" not in document or rule["annotations"]["runbook"] != f"docs/operations.md#{name.lower()}":
        found.append(f"{name}: no section of that name in docs/operations.md, or its runbook leads elsewhere")
    if name not in fired:
        found.append(f"{name}: no test makes it fire")
    if rule["labels"]["severity"] not in ("page", "ticket"):
        found.append(f"{name}: severity is page or ticket")

# promtool parses rules only: each expression becomes one, its variables filled in.
fill = lambda expression: expression.replace("$service", ".*").replace("$__rate_interval", "5m")
records = [{"record": f"panel:{number}", "expr": fill(expression)} for number, expression in enumerate(shown)]
with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
    yaml.safe_dump({"groups": [{"name": "dashboard", "rules": records}]}, file)
    file.flush()
    checked = subprocess.run(["promtool", "check", "rules", file.name], capture_output=True, text=True)
if checked.returncode != 0:
    found.append(checked.stdout + checked.stderr)

print(f"{len(rules)} alerts, {len(shown)} expressions of the dashboard, {len(found)} findings", *found, sep="\n  ")
sys.exit(1 if found else 0)
