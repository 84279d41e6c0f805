package io.steelyard.papers.task;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import io.steelyard.papers.data.LabelledImages;

/**
 * Cuts pictures into patches, row by row of patches; a patch is the rows of its first plane, then
 * those of the next. Pixels from 0 to 1 become -1 to 1.
 *
 * @param rows of a patch
 * @param columns of a patch
 * @param copies how often each plane is there: 3 makes the plain red, green and blue of grey
 */
public record Patches(int rows, int columns, int copies) {

  /** Patches of a picture. */
  public int count(LabelledImages images) {
    if (images.rows() % rows != 0 || images.columns() % columns != 0) {
      throw new IllegalArgumentException(
          "patches are %d x %d; expected divisors of %d x %d, the size of the images"
              .formatted(rows, columns, images.rows(), images.columns()));
    }
    return images.rows() / rows * (images.columns() / columns);
  }

  /** Numbers of a patch. */
  public int size(LabelledImages images) {
    return rows * columns * images.channels() * copies;
  }

  /**
   * Some pictures.
   *
   * @return {@code [which.length, count, size]}
   */
  public NDArray of(NDManager manager, LabelledImages images, int[] which) {
    final int count = count(images);
    final float[] pixels = new float[which.length * images.imageSize()];
    images.fillImages(which, pixels);
    final float[] cut = new float[pixels.length * copies];
    final int perRow = images.columns() / columns;
    int to = 0;
    for (int picture = 0; picture < which.length; picture++) {
      for (int patch = 0; patch < count; patch++) {
        final int corner = patch / perRow * rows * images.columns() + patch % perRow * columns;
        for (int plane = 0; plane < images.channels() * copies; plane++) {
          final int start =
              (picture * images.channels() + plane / copies) * images.rows() * images.columns()
                  + corner;
          for (int row = 0; row < rows; row++) {
            for (int column = 0; column < columns; column++) {
              cut[to++] = 2 * pixels[start + row * images.columns() + column] - 1;
            }
          }
        }
      }
    }
    return manager.create(cut, new Shape(which.length, count, size(images)));
  }
}
