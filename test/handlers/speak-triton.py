"""Speaks the Open Inference Protocol to argv[1] as Triton's own client does; prints what it hears as JSON."""

import json
import sys

import numpy
import tritonclient.http as http
from tritonclient.utils import InferenceServerException

client = http.InferenceServerClient(sys.argv[1])
crops = numpy.random.default_rng(1).integers(0, 256, (3, 48, 48, 1), dtype=numpy.uint8)


def infer(binary_input, binary_output, **options):
    tensor = http.InferInput("crops", crops.shape, "UINT8")
    tensor.set_data_from_numpy(crops, binary_data=binary_input)
    outputs = [http.InferRequestedOutput("scores", binary_data=binary_output)]
    return client.infer("mien", [tensor], outputs=outputs, **options)


def failure(call):
    try:
        call()
    except InferenceServerException as error:
        return {"status": error.status(), "message": error.message()}


def wrong_shape():
    tensor = http.InferInput("crops", [1, 2], "UINT8")
    tensor.set_data_from_numpy(numpy.zeros((1, 2), numpy.uint8))
    client.infer("mien", [tensor])


metadata = client.get_model_metadata("mien")
print(
    json.dumps(
        {
            "live": client.is_server_live(),
            "ready": client.is_server_ready(),
            "model_ready": client.is_model_ready("mien"),
            "version_ready": client.is_model_ready("mien", metadata["versions"][0]),
            "other_ready": client.is_model_ready("other"),
            "server": client.get_server_metadata(),
            "model": metadata,
            "scores": [
                infer(binary_input, binary_output).as_numpy("scores").tolist()
                for binary_input in (False, True)
                for binary_output in (False, True)
            ],
            "version_scores": infer(True, True, model_version=metadata["versions"][0])
            .as_numpy("scores")
            .tolist(),
            "id": infer(True, True, request_id="photo-9").get_response()["id"],
            "wrong_shape": failure(wrong_shape),
            "unknown_model": failure(lambda: client.get_model_metadata("other")),
            "crops": crops.ravel().tolist(),
        }
    )
)
