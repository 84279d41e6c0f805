/** Whole models: predictions through kernels, and a step of training with each attention. */
package io.steelyard.bench.model;
