package io.steelyard.papers.data;

/**
 * Images of one size with a class each: {@code count} images of {@code channels} planes (one for
 * grey; red, green and blue) of {@code rows x columns} bytes, row-major, 0 = background, and labels
 * in {@code [0, classes)}. Immutable; {@link #slice} and {@link #first} are views that copy
 * nothing.
 */
public final class LabelledImages {

  private static final float[] UNIT = unit();

  private final byte[] pixels;
  private final byte[] labels;
  private final int start;
  private final int count;
  private final int channels;
  private final int rows;
  private final int columns;
  private final int classes;

  /**
   * Grey images. Wraps the arrays, which the caller must not change afterwards.
   *
   * @param pixels {@code [count, rows, columns]}, unsigned
   * @param labels {@code [count]}, each in {@code [0, classes)}
   * @param rows height, positive
   * @param columns width, positive
   * @param classes number of classes, 1 to 256
   * @throws IllegalArgumentException if lengths do not fit together or a label is out of range
   */
  public LabelledImages(byte[] pixels, byte[] labels, int rows, int columns, int classes) {
    this(pixels, labels, 1, rows, columns, classes);
  }

  /**
   * Images of any number of planes. Wraps the arrays, which the caller must not change afterwards.
   *
   * @param pixels {@code [count, channels, rows, columns]}, unsigned
   * @param labels {@code [count]}, each in {@code [0, classes)}
   * @param channels planes of an image, positive
   * @param rows height, positive
   * @param columns width, positive
   * @param classes number of classes, 1 to 256
   * @throws IllegalArgumentException if lengths do not fit together or a label is out of range
   */
  public LabelledImages(
      byte[] pixels, byte[] labels, int channels, int rows, int columns, int classes) {
    this(pixels, labels, 0, labels.length, channels, rows, columns, classes);
    if (channels <= 0) {
      throw new IllegalArgumentException("channels is " + channels + "; expected 1 or more");
    }
    if (rows <= 0 || columns <= 0) {
      throw new IllegalArgumentException(
          "image size is " + rows + " x " + columns + "; expected positive sides");
    }
    if (classes < 1 || classes > 256) {
      throw new IllegalArgumentException("classes is " + classes + "; expected 1 to 256");
    }
    final long expected = (long) labels.length * channels * rows * columns;
    if (pixels.length != expected) {
      throw new IllegalArgumentException(
          "pixels has "
              + pixels.length
              + " bytes; expected "
              + expected
              + " for "
              + labels.length
              + " images of "
              + (channels == 1 ? "" : channels + " x ")
              + rows
              + " x "
              + columns);
    }
    for (int index = 0; index < labels.length; index++) {
      if (label(index) >= classes) {
        throw new IllegalArgumentException(
            "label " + index + " is " + label(index) + "; expected 0 to " + (classes - 1));
      }
    }
  }

  private LabelledImages(
      byte[] pixels,
      byte[] labels,
      int start,
      int count,
      int channels,
      int rows,
      int columns,
      int classes) {
    this.pixels = pixels;
    this.labels = labels;
    this.start = start;
    this.count = count;
    this.channels = channels;
    this.rows = rows;
    this.columns = columns;
    this.classes = classes;
  }

  /** Number of images. */
  public int count() {
    return count;
  }

  /** Planes of an image. */
  public int channels() {
    return channels;
  }

  /** Height of an image. */
  public int rows() {
    return rows;
  }

  /** Width of an image. */
  public int columns() {
    return columns;
  }

  /** Number of classes. */
  public int classes() {
    return classes;
  }

  /** Numbers of an image, {@code channels * rows * columns}. */
  public int imageSize() {
    return channels * rows * columns;
  }

  /** The class of an image. */
  public int label(int image) {
    return Byte.toUnsignedInt(labels[start + checked(image)]);
  }

  /** A pixel of the first plane, 0 to 255. */
  public int pixel(int image, int row, int column) {
    return pixel(image, 0, row, column);
  }

  /** A pixel of one plane, 0 to 255. */
  public int pixel(int image, int channel, int row, int column) {
    if (channel < 0 || channel >= channels) {
      throw new IllegalArgumentException(
          "channel is " + channel + "; expected 0 to " + (channels - 1));
    }
    if (row < 0 || row >= rows || column < 0 || column >= columns) {
      throw new IllegalArgumentException(
          "pixel (" + row + ", " + column + ") is outside " + rows + " x " + columns);
    }
    final int plane = (start + checked(image)) * channels + channel;
    return Byte.toUnsignedInt(pixels[(plane * rows + row) * columns + column]);
  }

  /** The first {@code n} images, as a view. */
  public LabelledImages first(int n) {
    return slice(0, n);
  }

  /**
   * Images {@code [from, to)}, as a view.
   *
   * @throws IllegalArgumentException if that is not a range of this set
   */
  public LabelledImages slice(int from, int to) {
    if (from < 0 || to < from || to > count) {
      throw new IllegalArgumentException(
          "images [" + from + ", " + to + ") are not a range of the " + count + " images");
    }
    return new LabelledImages(
        pixels, labels, start + from, to - from, channels, rows, columns, classes);
  }

  /**
   * Writes the images at these indices one after the other, pixel / 255.
   *
   * @param indices which images; repeats are allowed
   * @param into {@code [indices.length, channels, rows, columns]}, in [0, 1]; modified
   * @throws IllegalArgumentException if an index is out of range or {@code into} has another length
   */
  public void fillImages(int[] indices, float[] into) {
    final int size = imageSize();
    checkLength("into", into.length, (long) indices.length * size);
    int target = 0;
    for (final int image : indices) {
      final int source = (start + checked(image)) * size;
      for (int pixel = 0; pixel < size; pixel++) {
        into[target + pixel] = UNIT[Byte.toUnsignedInt(pixels[source + pixel])];
      }
      target += size;
    }
  }

  /**
   * Writes the labels at these indices.
   *
   * @param indices which images; repeats are allowed
   * @param into {@code [indices.length]}; modified
   * @throws IllegalArgumentException if an index is out of range or {@code into} has another length
   */
  public void fillLabels(int[] indices, int[] into) {
    checkLength("into", into.length, indices.length);
    for (int position = 0; position < indices.length; position++) {
      into[position] = label(indices[position]);
    }
  }

  /** How many images each class has. */
  public int[] classCounts() {
    final int[] counts = new int[classes];
    for (int image = 0; image < count; image++) {
      counts[label(image)]++;
    }
    return counts;
  }

  private int checked(int image) {
    if (image < 0 || image >= count) {
      throw new IllegalArgumentException(
          "image index is " + image + "; expected 0 to " + (count - 1));
    }
    return image;
  }

  private static void checkLength(String name, int found, long expected) {
    if (found != expected) {
      throw new IllegalArgumentException(
          name + " has " + found + " elements; expected " + expected);
    }
  }

  private static float[] unit() {
    final float[] values = new float[256];
    for (int level = 0; level < values.length; level++) {
      values[level] = level / 255f;
    }
    return values;
  }
}
