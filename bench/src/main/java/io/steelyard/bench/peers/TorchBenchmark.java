package io.steelyard.bench.peers;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import io.steelyard.bench.jmh.CheckedBenchmark;

/** A call of one archive of {@link TorchPeer}. */
public abstract class TorchBenchmark extends CheckedBenchmark {

  private NDManager manager;
  private TorchPeer peer;
  private NDList inputs;

  /** Name of the archive. */
  protected abstract String archive();

  /** Makes the archive's inputs. */
  protected abstract NDList inputs(NDManager manager);

  /** Compares what a call gave with what is right. */
  protected abstract void check(NDList outputs);

  /** The input at an index, for outputs that are written into it. */
  protected final NDArray input(int index) {
    return inputs.get(index);
  }

  @Override
  protected final void prepare() {
    TorchPeer.setThreads(threads);
    manager = TorchPeer.newManager();
    inputs = inputs(manager);
    peer = TorchPeer.load(archive());
  }

  /** One call; its outputs are freed again, as a user's would be. */
  @Override
  protected final void call() {
    peer.call(inputs).close();
  }

  @Override
  protected final void check() {
    try (NDList outputs = peer.call(inputs)) {
      check(outputs);
    }
  }

  @Override
  public final void close() {
    peer.close();
    manager.close();
  }
}
