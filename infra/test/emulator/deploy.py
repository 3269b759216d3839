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

import logging

import boto3
import moto
from moto.cloudformation import parsing
from moto.server import ThreadedMotoServer

REGION = "us-east-1"
ACCOUNT = "123456789012"
# What templates take from the account: CDK's bootstrap, and the zone that the names are written into.
ASSETS = f"cdk-hnb659fds-assets-{ACCOUNT}-{REGION}"


def modelled() -> set[str]:
    """The resource types that this moto's CloudFormation makes; others it passes over in silence."""
    return {kind for kind in parsing.get_model_map() if kind.startswith("AWS::")}


# Properties that this moto stumbles over, with the reason; the test prints them.
UNREAD = {
    ("AWS::KMS::Key", "Tags"): "read as TagKey and TagValue, where CloudFormation says Key and Value",
}


# Types of which this moto knows a Ref and no GetAtt: batch's Ref is the ARN as well; the other's goes into metrics.
REF_ONLY = {
    "AWS::Batch::ComputeEnvironment",
    "AWS::ElasticLoadBalancingV2::TargetGroup",
}

# Properties that this moto wants in other words than AWS.
REQUIRED = {
    ("AWS::Batch::ComputeEnvironment", "Type"): "MANAGED",
    ("AWS::Batch::ComputeEnvironment", "ServiceRole"): f"arn:aws:iam::{ACCOUNT}:role/AWSServiceRoleForBatch",
}


def reduced(template: dict, known: set[str], certificate: str) -> dict:
    """The template without the types that moto does not model, and with a name where they were referred to."""
    kinds = {name: r["Type"] for name, r in template["Resources"].items()}
    gone = {
        name
        for name, r in template["Resources"].items()
        # A job of several containers is newer than this moto.
        if r["Type"] not in known or "EcsProperties" in r.get("Properties", {})
    }

    def clean(value):
        if isinstance(value, list):
            return [clean(item) for item in value]
        if not isinstance(value, dict):
            return value
        if kinds.get(value.get("Ref")) == "AWS::CertificateManager::Certificate":
            return certificate
        if kinds.get(value.get("Fn::GetAtt", [None])[0]) in REF_ONLY:
            return {"Ref": value["Fn::GetAtt"][0]}
        if value.get("Ref") in gone:
            return f"arn:aws:none:{REGION}:{ACCOUNT}:{value['Ref']}"
        if value.get("Fn::GetAtt", [None])[0] in gone:
            return f"arn:aws:none:{REGION}:{ACCOUNT}:{'-'.join(value['Fn::GetAtt'])}"
        return {key: clean(item) for key, item in value.items()}

    resources = {name: clean(r) for name, r in template["Resources"].items() if name not in gone}
    for resource in resources.values():
        for kind, name in UNREAD:
            if resource["Type"] == kind:
                resource["Properties"].pop(name, None)
        for (kind, name), value in REQUIRED.items():
            if resource["Type"] == kind:
                resource["Properties"][name] = value
        if "DependsOn" in resource:
            resource["DependsOn"] = [name for name in resource["DependsOn"] if name not in gone]
    return {**clean({k: v for k, v in template.items() if k not in ("Resources", "Rules")}), "Resources": resources}


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
        "clusters": [
            c["clusterName"]
            for c in client("ecs").describe_clusters(clusters=client("ecs").list_clusters()["clusterArns"])["clusters"]
            if c["status"] == "ACTIVE"
        ],
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


def sweep(client) -> None:
    """Deletes what moto's CloudFormation makes and has no deletion for; without it the VPC's own fails."""
    ecs, elb, batch = client("ecs"), client("elbv2"), client("batch")
    for group in elb.describe_target_groups()["TargetGroups"]:
        elb.delete_target_group(TargetGroupArn=group["TargetGroupArn"])
    for queue in batch.describe_job_queues()["jobQueues"]:
        batch.update_job_queue(jobQueue=queue["jobQueueName"], state="DISABLED")
        batch.delete_job_queue(jobQueue=queue["jobQueueName"])
    for environment in batch.describe_compute_environments()["computeEnvironments"]:
        name = environment["computeEnvironmentName"]
        batch.update_compute_environment(computeEnvironment=name, state="DISABLED")
        batch.delete_compute_environment(computeEnvironment=name)
    for cluster in ecs.list_clusters()["clusterArns"]:
        ecs.delete_cluster(cluster=cluster)
    ec2 = client("ec2")
    for gateway in ec2.describe_nat_gateways()["NatGateways"]:
        ec2.delete_nat_gateway(NatGatewayId=gateway["NatGatewayId"])
    for address in ec2.describe_addresses()["Addresses"]:
        if "AssociationId" in address:
            ec2.disassociate_address(AssociationId=address["AssociationId"])
        ec2.release_address(AllocationId=address["AllocationId"])
    for endpoint in ec2.describe_vpc_endpoints()["VpcEndpoints"]:
        ec2.delete_vpc_endpoints(VpcEndpointIds=[endpoint["VpcEndpointId"]])
    for table in ec2.describe_route_tables()["RouteTables"]:
        for association in table["Associations"]:
            if not association.get("Main"):
                ec2.disassociate_route_table(AssociationId=association["RouteTableAssociationId"])
        if not any(association.get("Main") for association in table["Associations"]):
            ec2.delete_route_table(RouteTableId=table["RouteTableId"])
    for gateway in ec2.describe_internet_gateways()["InternetGateways"]:
        for attachment in gateway["Attachments"]:
            ec2.detach_internet_gateway(InternetGatewayId=gateway["InternetGatewayId"], VpcId=attachment["VpcId"])
        ec2.delete_internet_gateway(InternetGatewayId=gateway["InternetGatewayId"])


def main() -> None:
    warnings.filterwarnings("ignore")
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    out = Path(sys.argv[1])
    stacks = sys.argv[2:]
    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    client = lambda service: boto3.client(service, region_name=REGION, endpoint_url=endpoint)  # noqa: E731
    report = {"moto": moto.__version__, "stacks": {}, "passed over": [], "not deleted by moto": []}
    foundation = {}
    try:
        zone = prepare(client, out)
        certificate = client("acm").request_certificate(DomainName="mien.example.com")["CertificateArn"]
        client("iam").create_role(RoleName="AWSServiceRoleForBatch", AssumeRolePolicyDocument="{}")
        cfn = client("cloudformation")
        kinds, known = set(), modelled()
        for name in stacks:
            template = json.loads((out / f"{name}.template.json").read_text().replace("Z0EXAMPLE", zone))
            kinds |= {r["Type"] for r in template["Resources"].values()}
            template = reduced(template, known, certificate)
            try:
                cfn.create_stack(StackName=name, TemplateBody=json.dumps(template), Capabilities=["CAPABILITY_NAMED_IAM"])
                stack = cfn.describe_stacks(StackName=name)["Stacks"][0]
                made = cfn.list_stack_resources(StackName=name)["StackResourceSummaries"]
                if name.endswith("-foundation"):
                    foundation = leftovers(client)
                report["stacks"][name] = {
                    "created": stack["StackStatus"],
                    "reason": stack.get("StackStatusReason"),
                    "expected": sorted(r["Type"] for r in template["Resources"].values()),
                    "resources": sorted(r["ResourceType"] for r in made),
                }
            except Exception as error:  # the report says so, and the test fails on it
                report["stacks"][name] = {"created": "ERROR", "reason": str(error), "expected": [], "resources": []}
        report["during"] = leftovers(client)
        report["passed over"] = sorted(kinds - known)
        for name in reversed(stacks):
            if name.endswith("-foundation"):
                report["not deleted by moto"] = sorted(leftovers(client).keys() - foundation.keys())
                sweep(client)
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
