package io.steelyard.layers.training;

import java.util.Arrays;
import java.util.List;
import java.util.function.LongFunction;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;
import java.util.stream.LongStream;

/**
 * The order of data: whole batches of one shuffled pass after the other; what is left of a pass is
 * dropped. The batch of a step depends on the seed and the step's number alone, so a resumed run
 * goes on with the batches it would have had:
 *
 * <pre>{@code
 * Batches order = Batches.shuffled(50_000, 128, new Seed(1));
 * training.resume(file);
 * training.fit(data, order.between(training.steps(), 10_000), StepListener.NONE);
 * }</pre>
 *
 * @param rows number of rows of the data, at least {@code size}
 * @param size rows of a batch, at least 1
 */
public record Batches(int rows, int size, Seed seed) {

  private static final String PURPOSE = "order of pass ";

  /** Checks the ranges. */
  public Batches {
    if (size < 1 || size > rows) {
      throw new IllegalArgumentException(
          "size is " + size + "; expected 1.." + rows + ", the number of rows");
    }
  }

  /** Batches of {@code size} of {@code rows} rows. */
  public static Batches shuffled(int rows, int size, Seed seed) {
    return new Batches(rows, size, seed);
  }

  /** Batches in one pass over the data. */
  public int perPass() {
    return rows / size;
  }

  /** The batches of one pass, passes counting from 0. */
  public List<int[]> pass(long number) {
    final int[] order = order(number);
    return IntStream.range(0, perPass()).mapToObj(batch -> slice(order, batch)).toList();
  }

  /**
   * The batches of some steps, counting from 0.
   *
   * @param from first step, at least 0
   * @param to after the last step
   */
  public Iterable<int[]> between(long from, long to) {
    if (from < 0) {
      throw new IllegalArgumentException("from is " + from + "; expected at least 0");
    }
    return () -> LongStream.range(from, to).mapToObj(new Cursor()).iterator();
  }

  private int[] order(long pass) {
    final RandomGenerator random = seed.stream(PURPOSE + pass);
    final int[] order = IntStream.range(0, rows).toArray();
    for (int i = rows - 1; i > 0; i--) {
      final int other = random.nextInt(i + 1);
      final int kept = order[i];
      order[i] = order[other];
      order[other] = kept;
    }
    return order;
  }

  private int[] slice(int[] order, int batch) {
    return Arrays.copyOfRange(order, batch * size, (batch + 1) * size);
  }

  /** Remembers the order of the pass it is in. */
  private final class Cursor implements LongFunction<int[]> {

    private long pass = -1;
    private int[] order = new int[0];

    @Override
    public int[] apply(long step) {
      if (step / perPass() != pass) {
        pass = step / perPass();
        order = order(pass);
      }
      return slice(order, (int) (step % perPass()));
    }
  }
}
