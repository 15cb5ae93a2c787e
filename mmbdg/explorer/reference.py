"""Real images, and the nearest of them to a sample, by the feature network and the search of tools/analyze.py."""

import threading
from typing import NamedTuple

import numpy as np

from mmbdg.analysis.distances.feature_networks import FeatureNetwork
from mmbdg.analysis.distances.nearest import nearest, nearest_other
from mmbdg.analysis.distances.picture_features import drawn, picture_features
from mmbdg.analysis.images.labelled_images import LabelledImages
from mmbdg.errors import InputError


class Neighbour(NamedTuple):
    """A real image near a sample.

    Attributes:
        place: Number of the image in the reference.
        title: Its name.
        class_name: Its class; '' if it has none.
        distance: Euclidean distance of the features.
    """

    place: int
    title: str
    class_name: str
    distance: float


class Reference:
    """Real images whose features are computed when they are first needed.

    Args:
        images: The images.
        network: Feature network.
        n: Largest number of images; more are drawn at random. Default: 5000.
        device: Device of the network. Default: 'cpu'.
    """

    def __init__(self, images: LabelledImages, network: FeatureNetwork, n: int = 5000, device: str = 'cpu') -> None:
        self.images, self.network, self.device = images, network, device
        self.chosen = drawn(len(images), n, 'explored', 0)
        self._features: np.ndarray | None = None
        self._yardstick = 0.0
        self._lock = threading.Lock()

    def nearest(self, image: np.ndarray, count: int = 5) -> list[Neighbour]:
        """Return the nearest images to an image, uint8 (H,W,3), the nearest first."""
        features = self.features()
        own = self.network.features([image], self.device)
        left, found = np.arange(len(features)), []
        for _ in range(min(count, len(features))):
            one = nearest(own, features[left])
            place = int(self.chosen[left[one.index[0]]])
            class_id = self.images.class_of(place)
            name = '' if class_id is None or not self.images.classes else self.images.classes[class_id]
            found.append(Neighbour(place, self.images.title(place), name, float(one.distance[0])))
            left = np.delete(left, one.index[0])
        return found

    @property
    def yardstick(self) -> float:
        """Median distance of an image of the reference to the nearest other one. 0 for a single image."""
        self.features()
        return self._yardstick

    def picture(self, place: int) -> np.ndarray:
        """Return an image of the reference, uint8 (H,W,3).

        Raises:
            InputError: There is no such image.
        """
        if not 0 <= place < len(self.images):
            raise InputError(f'the reference has the images 0 to {len(self.images) - 1}, there is no {place}')
        return self.images.image(place)

    def features(self) -> np.ndarray:
        """Return the features of the images, float32 (N,D)."""
        with self._lock:
            if self._features is None:
                features = picture_features(self.images, self.chosen, self.network, self.device, kinds=('images',))['images']
                self._yardstick = float(np.median(nearest_other(features).distance)) if len(features) > 1 else 0.0
                self._features = features
            return self._features
