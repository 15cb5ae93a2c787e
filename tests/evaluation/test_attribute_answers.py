"""Accuracy of answers about attributes."""

from mmbdg.evaluation import AttributeAnswers


def test_unknown_attributes_are_not_counted():
    metric = AttributeAnswers()
    told = [('bright', 'long'), ('dark', None), (None, None), ('dark', 'short')]
    said = [('bright', 'short'), ('bright', 'long'), ('dark', 'long'), ('dark', 'short')]
    names = ('tone', 'sleeves')
    metric.process(
        {},
        [
            dict(attributes=dict(zip(names, a, strict=True)), answers=dict(zip(names, b, strict=True)))
            for a, b in zip(told, said, strict=True)
        ],
    )
    assert metric.compute_metrics(metric.results) == dict(sleeves=50.0, tone=66.67, attributes=60.0)
