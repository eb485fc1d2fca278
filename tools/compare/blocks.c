/* Compares the stored coefficients of pairs of JPEGs, as libjpeg reads them:
 *
 *     cc -O2 blocks.c -o blocks -ljpeg && ./blocks < LIST
 *
 * A line of LIST is X Y W H, then the files before and after, between tabs: the hole in stored pixels. For each pair it prints
 * blocks that are touched, how many of them differ, blocks that are not touched, how many of those differ, and whether tables,
 * sampling and kind are the same; or the message of libjpeg. */
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <jpeglib.h>

struct fault {
  struct jpeg_error_mgr base;
  jmp_buf back;
};

static void fail(j_common_ptr info) {
  char text[JMSG_LENGTH_MAX];
  info->err->format_message(info, text);
  printf("ERROR %s\n", text);
  longjmp(((struct fault *)info->err)->back, 1);
}

/* A warning is an error in a result. */
static void emit(j_common_ptr info, int level) {
  if (level < 0 && info->client_data) fail(info);
}

static void quiet(j_common_ptr info) { (void)info; }

static jvirt_barray_ptr *open_file(struct jpeg_decompress_struct *info, FILE *file, int is_result) {
  jpeg_create_decompress(info);
  info->client_data = is_result ? info : NULL;
  jpeg_stdio_src(info, file);
  jpeg_read_header(info, TRUE);
  return jpeg_read_coefficients(info);
}

static int same_coding(const struct jpeg_decompress_struct *a, const struct jpeg_decompress_struct *b) {
  if (a->image_width != b->image_width || a->image_height != b->image_height || a->num_components != b->num_components ||
      a->progressive_mode != b->progressive_mode || a->arith_code != b->arith_code ||
      a->jpeg_color_space != b->jpeg_color_space || a->restart_interval != b->restart_interval)
    return 0;
  for (int c = 0; c < a->num_components; c++) {
    const jpeg_component_info *p = &a->comp_info[c], *q = &b->comp_info[c];
    if (p->h_samp_factor != q->h_samp_factor || p->v_samp_factor != q->v_samp_factor || !p->quant_table || !q->quant_table ||
        memcmp(p->quant_table->quantval, q->quant_table->quantval, sizeof p->quant_table->quantval) != 0)
      return 0;
  }
  return 1;
}

static void compare(const unsigned hole[4], FILE *before, FILE *after) {
  struct jpeg_decompress_struct a = {0}, b = {0};
  struct fault fault;
  a.err = b.err = jpeg_std_error(&fault.base);
  fault.base.error_exit = fail;
  fault.base.emit_message = emit;
  fault.base.output_message = quiet;
  if (setjmp(fault.back) == 0) {
    jvirt_barray_ptr *of_a = open_file(&a, before, 0), *of_b = open_file(&b, after, 1);
    long touched = 0, changed = 0, others = 0, wrong = 0;
    int same = same_coding(&a, &b);
    for (int c = 0; same && c < a.num_components; c++) {
      const jpeg_component_info *info = &a.comp_info[c];
      const unsigned across = 8 * a.max_h_samp_factor / info->h_samp_factor, down = 8 * a.max_v_samp_factor / info->v_samp_factor;
      for (JDIMENSION y = 0; y < info->height_in_blocks; y++) {
        JBLOCKROW p = a.mem->access_virt_barray((j_common_ptr)&a, of_a[c], y, 1, FALSE)[0];
        JBLOCKROW q = b.mem->access_virt_barray((j_common_ptr)&b, of_b[c], y, 1, FALSE)[0];
        for (JDIMENSION x = 0; x < info->width_in_blocks; x++) {
          int differs = memcmp(p[x], q[x], sizeof(JBLOCK)) != 0;
          int is_touched = x * across < hole[0] + hole[2] && hole[0] < (x + 1) * across && y * down < hole[1] + hole[3] &&
                           hole[1] < (y + 1) * down;
          if (is_touched) touched++, changed += differs;
          else others++, wrong += differs;
        }
      }
    }
    printf("%ld %ld %ld %ld %d\n", touched, changed, others, wrong, same);
  }
  jpeg_destroy_decompress(&a);
  jpeg_destroy_decompress(&b);
}

int main(void) {
  char line[4096], before[2048], after[2048];
  unsigned hole[4];
  while (fgets(line, sizeof line, stdin)) {
    if (sscanf(line, "%u %u %u %u\t%2047[^\t]\t%2047[^\n]", &hole[0], &hole[1], &hole[2], &hole[3], before, after) != 6) return 2;
    FILE *a = fopen(before, "rb"), *b = fopen(after, "rb");
    if (a && b) compare(hole, a, b);
    else printf("ERROR no such file\n");
    if (a) fclose(a);
    if (b) fclose(b);
  }
  return 0;
}
