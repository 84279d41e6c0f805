package io.steelyard.kernels.parallel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicIntegerArray;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Every part runs exactly once, whoever calls at the same time and whatever a part throws. */
@Timeout(60)
class WorkersTest {

  @RepeatedTest(20)
  void everyPartRunsOnce() {
    final Workers workers = new Workers(4);
    for (final int parts : new int[] {0, 1, 2, 3, 4, 5, 100}) {
      final AtomicIntegerArray runs = new AtomicIntegerArray(parts);
      workers.run(runs::incrementAndGet, parts, 0);
      for (int i = 0; i < parts; i++) {
        assertThat(runs.get(i)).as("part %d of %d", i, parts).isEqualTo(1);
      }
    }
  }

  @Test
  void aThrownExceptionReachesTheCallerAndTheWorkersGoOn() {
    final Workers workers = new Workers(3);
    for (int round = 0; round < 50; round++) {
      final int bad = round % 10;
      assertThatThrownBy(
              () ->
                  workers.run(
                      part -> {
                        if (part == bad) {
                          throw new IllegalStateException("part " + part);
                        }
                      },
                      10,
                      0))
          .isInstanceOf(IllegalStateException.class)
          .hasMessage("part " + bad);
    }
    everyPartRunsOnce();
  }

  @Test
  void manyCallersAtOnceEachGetTheirResult() throws Exception {
    final Workers workers = new Workers(3);
    try (var callers = Executors.newFixedThreadPool(6)) {
      final List<Future<AtomicIntegerArray>> results = new ArrayList<>();
      for (int call = 0; call < 600; call++) {
        results.add(
            callers.submit(
                () -> {
                  final AtomicIntegerArray runs = new AtomicIntegerArray(17);
                  workers.run(runs::incrementAndGet, 17, 0);
                  return runs;
                }));
      }
      for (final Future<AtomicIntegerArray> result : results) {
        for (int i = 0; i < 17; i++) {
          assertThat(result.get().get(i)).isEqualTo(1);
        }
      }
    }
  }

  @Test
  void oneThreadMeansTheCallersThread() {
    final Workers workers = new Workers(4);
    final Thread caller = Thread.currentThread();
    workers.run(part -> assertThat(Thread.currentThread()).isSameAs(caller), 50, 1);
  }
}
