package io.steelyard.feed.playground;

import io.steelyard.feed.configuration.Setting;
import io.steelyard.feed.configuration.Settings;
import io.steelyard.kernels.operator.Operator;
import io.steelyard.kernels.operator.Parameter;
import io.steelyard.kernels.tensor.Tensor;
import io.steelyard.layers.tensor.OperatorCall;
import io.steelyard.layers.tensor.TensorFiles;
import io.steelyard.layers.tensor.TensorFormat;
import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Runs calls of operators for strangers: so many numbers, so much time, so many at once. Kernels
 * cannot be stopped, so whole parameters, which decide how long they take, are bounded too; a call
 * that is over its time keeps its place until it has ended.
 */
public final class Bench implements AutoCloseable {

  private static final long WARM_NANOS = 2_000_000;
  private static final long LARGEST_WHOLE = 4096;
  private static final int WAITING = 16;

  private final int elements;
  private final int millis;
  private final ThreadPoolExecutor workers;

  /** A bench with the limits of these settings. */
  public Bench(Settings settings) {
    this.elements = settings.whole(Setting.TRY_ELEMENTS);
    this.millis = settings.whole(Setting.TRY_MILLIS);
    final int atOnce = Math.max(1, settings.whole(Setting.TRY_AT_ONCE));
    this.workers =
        new ThreadPoolExecutor(
            atOnce,
            atOnce,
            0,
            TimeUnit.SECONDS,
            new ArrayBlockingQueue<>(WAITING),
            Thread.ofPlatform().name("try-", 0).daemon().factory());
  }

  /**
   * What came out.
   *
   * @param outputs the tensors as JSON, {@code {"outputs": {...}}}
   * @param nanos how long the operator took
   */
  public record Outcome(String outputs, long nanos) {}

  /** A call that was not carried out because too many are under way, or that took too long. */
  public static final class BusyException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    BusyException(String sentence, Throwable cause) {
      super(sentence, cause);
    }
  }

  /**
   * Runs a call.
   *
   * @param json inputs and params
   * @throws IllegalArgumentException if the call is not legal or too large; the message says why
   * @throws BusyException if too many calls wait, or this one took too long
   */
  public Outcome run(Operator operator, String json) {
    final OperatorCall call =
        TensorFiles.read(
            new ByteArrayInputStream(json.getBytes(StandardCharsets.UTF_8)),
            TensorFormat.JSON,
            "the call",
            TensorFiles.Reading.of(
                operator.inputs().stream().map(port -> port.name()).toArray(String[]::new)));
    check(operator, call);
    final Future<Outcome> future;
    try {
      future = workers.submit(() -> apply(operator, call));
    } catch (RejectedExecutionException e) {
      throw new BusyException("too many calls are waiting; try again in a moment", e);
    }
    try {
      return future.get(millis, TimeUnit.MILLISECONDS);
    } catch (TimeoutException e) {
      future.cancel(true);
      throw new BusyException("the call took more than " + millis + " ms", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new BusyException("the site is stopping", e);
    } catch (ExecutionException e) {
      if (e.getCause() instanceof IllegalArgumentException wrong) {
        throw new IllegalArgumentException(wrong.getMessage(), e);
      }
      throw new IllegalStateException("operator " + operator.name() + " failed", e);
    }
  }

  private static Outcome apply(Operator operator, OperatorCall call) {
    // The first call of an operator loads and compiles it; the time shown is that of a warm one.
    final long begin = System.nanoTime();
    Map<String, Tensor> outputs;
    long best = Long.MAX_VALUE;
    do {
      final long start = System.nanoTime();
      outputs = operator.apply(call.inputs(), call.parameters());
      best = Math.min(best, System.nanoTime() - start);
    } while (System.nanoTime() - begin < WARM_NANOS && !Thread.currentThread().isInterrupted());
    return new Outcome(TensorFiles.json(outputs), best);
  }

  private void check(Operator operator, OperatorCall call) {
    final long size = call.inputs().values().stream().mapToLong(Tensor::size).sum();
    if (size > elements) {
      throw new IllegalArgumentException(
          "the inputs have "
              + size
              + " numbers; expected at most "
              + elements
              + " here; 'steelyard apply "
              + operator.name()
              + "' on your own machine has no limit");
    }
    for (final Parameter parameter : operator.parameters()) {
      final Object given = call.parameters().get(parameter.name());
      if (parameter instanceof Parameter.Whole whole
          && given != null
          && (Long) whole.parse(given) > LARGEST_WHOLE) {
        throw new IllegalArgumentException(
            "parameter '"
                + whole.name()
                + "' is "
                + given
                + "; expected at most "
                + LARGEST_WHOLE
                + " here");
      }
    }
  }

  @Override
  public void close() {
    workers.shutdownNow();
  }
}
