"""A classifier served by LitServe: FOLDER of LitServe, MODEL, "torch" or "same", batch, port."""

import sys

sys.path.insert(0, sys.argv[1])
import litserve
import numpy as np

import foveal
from foveal.pictures.encoded import InMemory
from foveal.pictures.scaling import of_bytes
from foveal.serving.served import encoded


class Api(litserve.LitAPI):
    """Decodes, stacks and asks, as LitServe's guide for pictures does."""

    def setup(self, device):
        """Load the model."""
        self.model = foveal.load(sys.argv[2])
        self.by = of_bytes(self.model.recipe)
        self.model.answering_session().open_fastest(self.by)

    def decode_request(self, request):
        """Decode the picture of a request."""
        data = request["pictures"].file.read()
        return encoded([InMemory("x", data)]).content.picture(0, self.model.recipe)

    def batch(self, inputs):
        """Stack pictures."""
        return np.stack(inputs)

    def predict(self, images):
        """Answer one picture, or a batch."""
        single = images.ndim == 3
        images = images[None] if single else images
        if sys.argv[3] == "torch":
            from foveal.inference.session import Eager

            session = self.model.session()
            found = next(Eager(session.network, self.by, "cpu", 128).run([images]))
        else:
            found = self.model.answers(images, self.by)[0]
        said = self.model.target.predicted(np.asarray(found, np.float64), self.model.temperature)
        return said[0] if single else said

    def unbatch(self, output):
        """Give each its row."""
        return list(output)

    def encode_response(self, output):
        """Write probabilities."""
        return {"probabilities": output.tolist()}


if __name__ == "__main__":
    batch = int(sys.argv[4])
    more = {"max_batch_size": batch, "batch_timeout": 0.01} if batch > 1 else {}
    server = litserve.LitServer(Api(**more), accelerator="cpu", timeout=60)
    server.run(port=int(sys.argv[5]), generate_client_file=False, log_level="error")
