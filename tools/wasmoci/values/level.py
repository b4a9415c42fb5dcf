"""The four security levels of an image."""

from enum import Enum


class Level(str, Enum):
    """Which of the two signature layers hold."""

    NONE = "none"
    COMPONENT_ONLY = "component-only"
    OCI_ONLY = "oci-only"
    DUAL_LAYER = "dual-layer"

    @classmethod
    def of(cls, *, component: bool, image: bool) -> "Level":
        if component:
            return cls.DUAL_LAYER if image else cls.COMPONENT_ONLY
        return cls.OCI_ONLY if image else cls.NONE

    @property
    def has_component(self) -> bool:
        return self in (Level.COMPONENT_ONLY, Level.DUAL_LAYER)

    @property
    def has_image(self) -> bool:
        return self in (Level.OCI_ONLY, Level.DUAL_LAYER)
