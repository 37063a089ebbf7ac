"""The schedules that are compared with torch: for each how it is built here, and how in torch."""

STEPS = 30
RATES = (0.1, 0.02)  # of the two groups
VALUES = [3.0, 2.0, 1.5, 1.5, 1.49999, 1.6, 1.2, 1.3, 1.3, 1.3, 1.25, 1.3, 1.1, 1.2, 1.2, 1.2, 1.2, 1.2, 1.2, 0.5] + [
    0.6
] * 10

# name: (optimizer -> schedule) with our module `optim`, and with torch's `lr_scheduler`
SCHEDULES = {
    "step": (lambda m, o: m.StepDecay(o, 4, 0.5), lambda m, o: m.StepLR(o, 4, 0.5)),
    "multi-step": (
        lambda m, o: m.MultiStepDecay(o, [12, 3, 20, 20], 0.3),
        lambda m, o: m.MultiStepLR(o, [3, 12, 20, 20], 0.3),
    ),
    "exponential": (lambda m, o: m.ExponentialDecay(o, 0.9), lambda m, o: m.ExponentialLR(o, 0.9)),
    "warm-up": (lambda m, o: m.LinearWarmup(o, 7, 0.2, 0.9), lambda m, o: m.LinearLR(o, 0.2, 0.9, 7)),
    "cosine": (lambda m, o: m.CosineDecay(o, 11, 0.005), lambda m, o: m.CosineAnnealingLR(o, 11, 0.005)),
    "restarts": (
        lambda m, o: m.CosineRestarts(o, 5, 1, 0.005),
        lambda m, o: m.CosineAnnealingWarmRestarts(o, 5, 1, 0.005),
    ),
    "growing restarts": (
        lambda m, o: m.CosineRestarts(o, 3, 2, 0.005),
        lambda m, o: m.CosineAnnealingWarmRestarts(o, 3, 2, 0.005),
    ),
    "one-cycle": (
        lambda m, o: m.OneCycle(o, [0.5, 0.1], STEPS + 1),
        lambda m, o: m.OneCycleLR(o, [0.5, 0.1], STEPS + 1),
    ),
    "one-cycle, linear, three phases": (
        lambda m, o: m.OneCycle(
            o,
            0.5,
            STEPS + 1,
            rising_share=0.4,
            shape="linear",
            base_momentum=0.7,
            max_momentum=0.9,
            div_factor=10,
            final_div_factor=100,
            three_phase=True,
        ),
        lambda m, o: m.OneCycleLR(
            o,
            0.5,
            STEPS + 1,
            pct_start=0.4,
            anneal_strategy="linear",
            base_momentum=0.7,
            max_momentum=0.9,
            div_factor=10,
            final_div_factor=100,
            three_phase=True,
        ),
    ),
    "plateau": (
        lambda m, o: m.ReduceOnPlateau(o, factor=0.5, patience=2, cooldown=1),
        lambda m, o: m.ReduceLROnPlateau(o, factor=0.5, patience=2, cooldown=1),
    ),
    "plateau, max, absolute": (
        lambda m, o: m.ReduceOnPlateau(
            o, "max", factor=0.3, patience=1, threshold=0.1, threshold_mode="abs", min_rate=0.001
        ),
        lambda m, o: m.ReduceLROnPlateau(
            o, "max", factor=0.3, patience=1, threshold=0.1, threshold_mode="abs", min_lr=0.001
        ),
    ),
    "chained": (
        lambda m, o: m.ChainedSchedule([m.LinearWarmup(o, 6, 0.1), m.ExponentialDecay(o, 0.9), m.StepDecay(o, 8, 0.5)]),
        lambda m, o: m.ChainedScheduler([m.LinearLR(o, 0.1, 1.0, 6), m.ExponentialLR(o, 0.9), m.StepLR(o, 8, 0.5)]),
    ),
    "one after the other": (
        lambda m, o: m.SequentialSchedule(
            [m.LinearWarmup(o, 5, 0.1), m.CosineDecay(o, 15), m.StepDecay(o, 4)], [5, 20]
        ),
        lambda m, o: m.SequentialLR(
            o, [m.LinearLR(o, 0.1, 1.0, 5), m.CosineAnnealingLR(o, 15), m.StepLR(o, 4)], milestones=[5, 20]
        ),
    ),
}
