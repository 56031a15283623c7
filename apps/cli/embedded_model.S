/* SPDX-License-Identifier: Apache-2.0 */
/* The file GEMMA2_DEMO_MODEL between two symbols, 64-byte aligned. CMake defines the macro. */
  .section .rodata
  .balign 64
  .globl gemma2_embedded_model_begin
  .hidden gemma2_embedded_model_begin
gemma2_embedded_model_begin:
  .incbin GEMMA2_DEMO_MODEL
  .globl gemma2_embedded_model_end
  .hidden gemma2_embedded_model_end
gemma2_embedded_model_end:
  .section .note.GNU-stack, "", %progbits
