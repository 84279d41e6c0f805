/**
 * Attention over queries, keys and values {@code [B, H, T, D]}, fused: no kernel here makes the
 * matrix of scores.
 */
package io.steelyard.kernels.attention;
