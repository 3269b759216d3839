"""Deploys synthesised templates to moto's server, deletes them again, and prints what happened as JSON.

deploy.py CDK_OUT: every stack in the order of its dependencies, over HTTP, as CloudFormation would be asked.
"""

import io
import json
import os
import sys
import warnings
import zipfile
from pathlib import Path

# Whatever credentials there are, none of them may be used here.
os.environ.update(AWS_ACCESS_KEY_ID="testing", AWS_SECRET_ACCESS_KEY="testing", AWS_SESSION_TOKEN="testing")
os.environ["AWS_EC2_METADATA_DISABLED"] = "true"
for name in ("AWS_PROFILE", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
    os.environ.pop(name, None)

import boto3
import moto
from moto.core.common_models import CloudFormationModel
from moto.server import ThreadedMotoServer

REGION = "us-east-1"
ACCOUNT = "123456789012"
# What templates take from the account: CDK's bootstrap, and the zone that the names are written into.
ASSETS = f"cdk-hnb659fds-assets-{ACCOUNT}-{REGION}"


def modelled() -> set[str]:
    """The resource types that this moto makes; others it passes over in silence."""

    def below(cls):
        for sub in cls.__subclasses__():
            yield sub
            yield from below(sub)

    return {t for cls in below(CloudFormationModel) if (t := cls.cloudformation_type()) and t.startswith("AWS::")}


def prepare(client, out: Path) -> str:
    client("ssm").put_parameter(Name="/cdk-bootstrap/hnb659fds/version", Value="30", Type="String")
    zone = client("route53").create_hosted_zone(Name="example.com", CallerReference="test")["HostedZone"]["Id"]
    s3 = client("s3")
    s3.create_bucket(Bucket=ASSETS)
    for manifest in out.glob("*.assets.json"):
        for asset in json.loads(manifest.read_text())["files"].values():
            source = out / asset["source"]["path"]
            for destination in asset["destinations"].values():
                s3.put_object(Bucket=ASSETS, Key=destination["objectKey"], Body=body(source))
    return zone.removeprefix("/hostedzone/")


def body(source: Path) -> bytes:
    if source.is_file():
        return source.read_bytes()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for file in source.rglob("*"):
            archive.write(file, file.relative_to(source))
    return buffer.getvalue()


def leftovers(client) -> dict[str, list]:
    """What a stack could leave behind, by service; the account's own default VPC is no leftover."""
    ec2 = client("ec2")
    vpcs = [v["VpcId"] for v in ec2.describe_vpcs()["Vpcs"] if not v["IsDefault"]]
    zones = client("route53")
    records = [
        r["Name"]
        for z in zones.list_hosted_zones()["HostedZones"]
        for r in zones.list_resource_record_sets(HostedZoneId=z["Id"])["ResourceRecordSets"]
        if r["Type"] == "A"
    ]
    found = {
        "vpcs": vpcs,
        "subnets": [s["SubnetId"] for s in ec2.describe_subnets()["Subnets"] if s["VpcId"] in vpcs],
        "nat gateways": [n["NatGatewayId"] for n in ec2.describe_nat_gateways()["NatGateways"] if n["State"] != "deleted"],
        "addresses": [a["PublicIp"] for a in ec2.describe_addresses()["Addresses"]],
        "instances": [
            i["InstanceId"]
            for r in ec2.describe_instances()["Reservations"]
            for i in r["Instances"]
            if i["State"]["Name"] != "terminated"
        ],
        "launch templates": [t["LaunchTemplateName"] for t in ec2.describe_launch_templates()["LaunchTemplates"]],
        "buckets": [b["Name"] for b in client("s3").list_buckets()["Buckets"] if b["Name"] != ASSETS],
        "repositories": [r["repositoryName"] for r in client("ecr").describe_repositories()["repositories"]],
        "balancers": [b["LoadBalancerName"] for b in client("elbv2").describe_load_balancers()["LoadBalancers"]],
        "target groups": [t["TargetGroupName"] for t in client("elbv2").describe_target_groups()["TargetGroups"]],
        "clusters": client("ecs").list_clusters()["clusterArns"],
        "functions": [f["FunctionName"] for f in client("lambda").list_functions()["Functions"]],
        "endpoints": [e["EndpointName"] for e in client("sagemaker").list_endpoints()["Endpoints"]],
        "models": [m["ModelName"] for m in client("sagemaker").list_models()["Models"]],
        "queues": [q["jobQueueName"] for q in client("batch").describe_job_queues()["jobQueues"]],
        "compute environments": [
            c["computeEnvironmentName"] for c in client("batch").describe_compute_environments()["computeEnvironments"]
        ],
        "topics": [t["TopicArn"] for t in client("sns").list_topics()["Topics"]],
        "log groups": [g["logGroupName"] for g in client("logs").describe_log_groups()["logGroups"]],
        "roles": [r["RoleName"] for r in client("iam").list_roles()["Roles"] if r["RoleName"].startswith("mien")],
        "dashboards": [d["DashboardName"] for d in client("cloudwatch").list_dashboards()["DashboardEntries"]],
        "records": records,
    }
    return {name: items for name, items in found.items() if items}


def main() -> None:
    warnings.filterwarnings("ignore")
    out = Path(sys.argv[1])
    stacks = sys.argv[2:]
    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    client = lambda service: boto3.client(service, region_name=REGION, endpoint_url=endpoint)  # noqa: E731
    report = {"moto": moto.__version__, "stacks": {}, "passed over": []}
    try:
        zone = prepare(client, out)
        cfn = client("cloudformation")
        kinds, known = set(), None
        for name in stacks:
            template = (out / f"{name}.template.json").read_text().replace("Z0EXAMPLE", zone)
            kinds |= {r["Type"] for r in json.loads(template)["Resources"].values()}
            try:
                cfn.create_stack(StackName=name, TemplateBody=template, Capabilities=["CAPABILITY_NAMED_IAM"])
                stack = cfn.describe_stacks(StackName=name)["Stacks"][0]
                made = cfn.list_stack_resources(StackName=name)["StackResourceSummaries"]
                report["stacks"][name] = {
                    "created": stack["StackStatus"],
                    "reason": stack.get("StackStatusReason"),
                    "resources": sorted(r["ResourceType"] for r in made),
                }
            except Exception as error:  # the report says so, and the test fails on it
                report["stacks"][name] = {"created": "ERROR", "reason": str(error), "resources": []}
        report["during"] = leftovers(client)
        known = modelled()
        report["passed over"] = sorted(kinds - known)
        for name in reversed(stacks):
            entry = report["stacks"][name]
            try:
                cfn.delete_stack(StackName=name)
                entry["deleted"] = cfn.list_stacks()["StackSummaries"] and next(
                    s["StackStatus"] for s in cfn.list_stacks()["StackSummaries"] if s["StackName"] == name
                )
            except Exception as error:
                entry["deleted"] = f"ERROR {error}"
        report["left"] = leftovers(client)
    finally:
        server.stop()
    print(json.dumps(report))


main()
