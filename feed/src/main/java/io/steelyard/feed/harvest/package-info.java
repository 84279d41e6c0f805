/** Papers from elsewhere: arXiv, the Hugging Face papers API, files. */
package io.steelyard.feed.harvest;
