package io.steelyard.layers.attention;

import io.steelyard.kernels.attention.LandmarkInverse;

/**
 * How a {@link SoftAttentionBlock} is built.
 *
 * @param stride r: one landmark for each r x r patch of the grid; at least 1
 * @param landmarks how a patch becomes a landmark
 * @param byDegrees whether the core is normalised by the degrees of the landmarks: SOFT++
 * @param valueKernel k, odd: side of the kernels of a depth-wise convolution of values that is
 *     added to outputs; 0 for none
 * @param inverse how the kernel matrix of the landmarks is inverted
 */
public record SoftOptions(
    int stride, Landmarks landmarks, boolean byDegrees, int valueKernel, LandmarkInverse inverse) {

  /** How a patch of scaled queries becomes a landmark. */
  public enum Landmarks {
    /** A linear map of the patch, shared by all heads, a layer norm and a GELU: as published. */
    CONVOLUTION,
    /** The mean of the patch: no parameters. */
    MEAN
  }

  /** Checks the numbers. */
  public SoftOptions {
    if (stride < 1) {
      throw new IllegalArgumentException("stride is " + stride + "; expected 1 or more");
    }
    if (valueKernel != 0 && (valueKernel < 1 || valueKernel % 2 == 0)) {
      throw new IllegalArgumentException(
          "valueKernel is " + valueKernel + "; expected an odd number, or 0 for none");
    }
  }

  /** SOFT with the published landmarks and inverse and no convolution of values. */
  public static SoftOptions of(int stride) {
    return new SoftOptions(stride, Landmarks.CONVOLUTION, false, 0, LandmarkInverse.NEWTON);
  }

  /** The same normalised by degrees: SOFT++. */
  public SoftOptions normalizedByDegrees() {
    return new SoftOptions(stride, landmarks, true, valueKernel, inverse);
  }

  /** The same with other landmarks. */
  public SoftOptions with(Landmarks newLandmarks) {
    return new SoftOptions(stride, newLandmarks, byDegrees, valueKernel, inverse);
  }

  /** The same with a convolution of values. */
  public SoftOptions withValueKernel(int newValueKernel) {
    return new SoftOptions(stride, landmarks, byDegrees, newValueKernel, inverse);
  }

  /** The same with another inverse. */
  public SoftOptions with(LandmarkInverse newInverse) {
    return new SoftOptions(stride, landmarks, byDegrees, valueKernel, newInverse);
  }
}
