package io.steelyard.feed.search;

import io.steelyard.kernels.tensor.Tensor;
import io.steelyard.layers.tensor.Safetensors;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.zip.CRC32;

/**
 * Meaning that was learned from the papers of this site: a vector for each place of a {@link Bag},
 * their weighted sum for a text, made one long. Questions and papers go through the same table.
 * {@link DualEncoderTraining} learns it; to use it needs no engine. Immutable.
 */
public final class DualEncoder implements Meaning {

  /** Coordinates of a vector. */
  static final int WIDTH = 128;

  private static final String TABLE = "table";
  private static final String PAPERS = "papers";
  private static final String BAG = "bag";

  /** How texts are taken apart; a table that was learned another way is of no use. */
  private static final String WAY = "words+4grams-1";

  private final float[] table;
  private final int papers;
  private final String name;

  /** A table {@code [Bag.PLACES, WIDTH]}, not copied, learned from so many papers. */
  DualEncoder(float[] table, int papers) {
    if (table.length != Bag.PLACES * WIDTH) {
      throw new IllegalArgumentException(
          "the table has " + table.length + " numbers; expected " + Bag.PLACES * WIDTH);
    }
    this.table = table;
    this.papers = papers;
    this.name = "dual-encoder-" + Long.toHexString(sum(table));
  }

  private static long sum(float[] table) {
    final ByteBuffer bytes = ByteBuffer.allocate(table.length * Float.BYTES);
    bytes.asFloatBuffer().put(table);
    final CRC32 crc = new CRC32();
    crc.update(bytes);
    return crc.getValue();
  }

  /**
   * A table that has learned nothing but which places are rare: random directions, the longer the
   * rarer. Inner products are then about those of weighted bags.
   */
  static float[] untaught(List<Lesson> lessons, long seed) {
    final int[] documents = new int[Bag.PLACES];
    for (final Lesson lesson : lessons) {
      for (final int place : Bag.of(lesson.document()).places()) {
        documents[place]++;
      }
    }
    final double rarest = Math.log1p(lessons.size());
    final SplittableRandom random = new SplittableRandom(seed);
    final float[] table = new float[Bag.PLACES * WIDTH];
    for (int place = 0; place < Bag.PLACES; place++) {
      final double rarity = Math.log((1.0 + lessons.size()) / (1 + documents[place])) / rarest;
      for (int i = 0; i < WIDTH; i++) {
        table[place * WIDTH + i] = (float) (rarity * random.nextGaussian() / Math.sqrt(WIDTH));
      }
    }
    return table;
  }

  /**
   * Reads one from a file.
   *
   * @throws IllegalArgumentException if it is of another kind
   * @throws java.io.UncheckedIOException if it cannot be read
   */
  public static DualEncoder read(Path file) {
    final Safetensors saved = Safetensors.read(file);
    final Tensor table = saved.tensors().get(TABLE);
    final String papers = saved.metadata().getOrDefault(PAPERS, "");
    if (table == null || !papers.matches("\\d{1,9}") || !WAY.equals(saved.metadata().get(BAG))) {
      throw new IllegalArgumentException(
          file + " holds no encoder of this version; it can be deleted, a new one is learned");
    }
    return new DualEncoder(table.toFloatArray(), Integer.parseInt(papers));
  }

  /** Writes it to a file, which appears whole or not at all. */
  public void write(Path file) {
    new Safetensors(
            Map.of(TABLE, Tensor.of(table, Bag.PLACES, WIDTH)),
            Map.of(PAPERS, Integer.toString(papers), BAG, WAY))
        .write(file);
  }

  /** The same, said to be learned when there were so many papers. */
  DualEncoder amongst(int count) {
    return new DualEncoder(table, count);
  }

  /** How many papers there were when it was learned. */
  public int papers() {
    return papers;
  }

  @Override
  public int dimensions() {
    return WIDTH;
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public float[] of(String text) {
    final Bag bag = Bag.of(text);
    final float[] vector = new float[WIDTH];
    for (int k = 0; k < bag.places().length; k++) {
      final float value = bag.values()[k];
      final int row = bag.places()[k] * WIDTH;
      for (int i = 0; i < WIDTH; i++) {
        vector[i] += value * table[row + i];
      }
    }
    double squares = 0;
    for (final float x : vector) {
      squares += (double) x * x;
    }
    if (squares > 1e-20) {
      final float scale = (float) (1 / Math.sqrt(squares));
      for (int i = 0; i < WIDTH; i++) {
        vector[i] *= scale;
      }
    } else {
      Arrays.fill(vector, 0);
    }
    return vector;
  }
}
