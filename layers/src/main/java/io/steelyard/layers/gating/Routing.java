package io.steelyard.layers.gating;

import ai.djl.ndarray.NDArray;

/**
 * What a gate says about tokens.
 *
 * @param weights of all experts for each token, {@code [..., N]}; differentiable
 * @param logits what the softmax takes, before any selection, {@code [..., N]}; differentiable
 * @param experts the experts to ask for each token, best first, int32 {@code [..., K]}; -1 where
 *     there are fewer
 */
public record Routing(NDArray weights, NDArray logits, NDArray experts) {}
