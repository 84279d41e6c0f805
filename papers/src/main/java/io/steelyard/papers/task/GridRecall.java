package io.steelyard.papers.task;

import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import io.steelyard.layers.attention.Grid;
import io.steelyard.layers.training.Examples;
import java.util.random.RandomGenerator;

/**
 * "Grid recall": cells of an 8 x 8 grid hold 32 keys, each in two cells, and a random label each;
 * every cell asks for the label of the other cell with its key.
 *
 * <p>A token is a one-hot key beside a one-hot label. It takes an attention that can single out one
 * token among 64; guessing is right in one of 8 cases.
 */
public final class GridRecall {

  /** How the tokens lie. */
  public static final Grid GRID = new Grid(8, 8);

  /** n. */
  public static final int TOKENS = 64;

  /** Different keys, each in two cells. */
  public static final int KEYS = TOKENS / 2;

  /** Different labels. */
  public static final int LABELS = 8;

  /** Numbers of a token. */
  public static final int FEATURES = KEYS + LABELS;

  private GridRecall() {}

  /**
   * Fresh grids.
   *
   * @return inputs float32 {@code [grids, 64, 40]}, labels int64 {@code [grids, 64]}, in {@code
   *     manager}
   */
  public static Examples draw(RandomGenerator random, int grids, NDManager manager) {
    final float[] inputs = new float[grids * TOKENS * FEATURES];
    final long[] labels = new long[grids * TOKENS];
    final int[] cells = new int[TOKENS];
    final int[] own = new int[TOKENS];
    for (int grid = 0; grid < grids; grid++) {
      for (int i = 0; i < TOKENS; i++) {
        cells[i] = i;
      }
      Draws.shuffle(cells, random);
      for (int i = 0; i < TOKENS; i++) {
        own[i] = random.nextInt(LABELS);
      }
      // Cells 2k and 2k+1 of the shuffled order share key k.
      for (int i = 0; i < TOKENS; i++) {
        final int cell = cells[i];
        final int at = (grid * TOKENS + cell) * FEATURES;
        inputs[at + i / 2] = 1;
        inputs[at + KEYS + own[cell]] = 1;
        labels[grid * TOKENS + cell] = own[cells[i ^ 1]];
      }
    }
    return new Examples(
        manager.create(inputs, new Shape(grids, TOKENS, FEATURES)),
        manager.create(labels, new Shape(grids, TOKENS)));
  }
}
