/** Linear attentions over sequences of growing length, and token by token. */
package io.steelyard.bench.linear;
