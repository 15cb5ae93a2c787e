"""Colours for label ids."""


def palette(num_classes: int) -> list[list[int]]:
    """Return RGB colours 0..255 by the PASCAL VOC scheme: the background is black, neighbouring ids have distant colours."""
    colours = []
    for i in range(num_classes):
        colour = [0, 0, 0]
        for bit in range(8):
            for channel in range(3):
                colour[channel] |= (i >> (3 * bit + channel) & 1) << (7 - bit)
        colours.append(colour)
    return colours
