"""Signs each night's campaigns, and verifies what was published: see README.md."""

from __future__ import annotations

import json
import signal
import subprocess
from datetime import datetime, timedelta, timezone

from airflow.exceptions import AirflowException, AirflowFailException
from airflow.sdk import DAG, BaseOperator

# Exit codes that another attempt cannot mend: rejected rows, usage and settings,
# the key, the data, a signature that is wrong, an internal error.
FINAL = {1, 2, 3, 4, 7, 70}


class CampaignSignerOperator(BaseOperator):
    """Runs campaign-signer; the last line of its output, JSON, is the result.

    :param arguments: what stands behind ``campaign-signer``; templates are filled in.
    """

    template_fields = ("arguments",)

    def __init__(self, *, arguments: list[str], **kwargs) -> None:
        super().__init__(**kwargs)
        self.arguments = arguments
        self._process: subprocess.Popen[str] | None = None

    def execute(self, context) -> dict | None:
        # No shell: a value with a blank or a quote in it is one argument.
        process = subprocess.Popen(
            ["campaign-signer", *self.arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._process = process
        try:
            said, told = process.communicate()
        except BaseException:
            self.on_kill()
            raise
        for line in told.splitlines():
            self.log.info("%s", line)
        code = process.returncode
        if code != 0:
            lines = [line for line in told.splitlines() if line.strip()]
            message = f"campaign-signer ended with {code}: {' '.join(lines[-3:])}"
            raise (AirflowFailException if code in FINAL else AirflowException)(message)
        lines = said.splitlines()
        return json.loads(lines[-1]) if lines else None

    def on_kill(self) -> None:
        """Lets the program write its checkpoint: it ends within a second."""
        process = self._process
        if process is None or process.poll() is not None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


with DAG(
    dag_id="sign_campaigns",
    schedule="30 1 * * *",
    start_date=datetime(2026, 11, 1, tzinfo=timezone.utc),
    catchup=False,
    max_active_runs=1,
    default_args={"retries": 3, "retry_delay": timedelta(minutes=5)},
    params={
        "format": "skan-view",
        "rows": "/srv/campaigns/tonight.csv",
        "key": "/etc/campaign-signer/network.p8",
        "public_key": "/etc/campaign-signer/network.pub.pem",
        "folder": "/srv/signed",
    },
) as dag:
    output = "{{ params.folder }}/{{ ts_nodash }}.ndjson.zst"
    sign = CampaignSignerOperator(
        task_id="sign",
        arguments=[
            "sign",
            "--format={{ params.format }}",
            "--key={{ params.key }}",
            "--job-id={{ run_id }}",
            "--timestamp={{ ts }}",
            "--resume",
            "--max-rejects=1%",
            "--summary=stdout",
            "--log=json",
            "--progress=none",
            f"--output={output}",
            "{{ params.rows }}",
        ],
    )
    verify = CampaignSignerOperator(
        task_id="verify",
        arguments=[
            "verify",
            "--public-key={{ params.public_key }}",
            f"--manifest={output}.manifest.json",
        ],
    )
    sign >> verify
