// The ABI of libmolt_torch.so over libtorch: plain C, a status and out-parameters, every C++ exception caught inside.
// After a failure, and only then, mt_error_message() holds what happened on this thread.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum mt_status : int32_t {
    MT_OK = 0,
    MT_ERROR = 1,
    MT_OUT_OF_MEMORY = 2,
    MT_UNKNOWN_OPERATOR = 3,
    MT_COMMUNICATION = 4,
} mt_status;

// Handles are owned by whoever received them; NULL is an absent (undefined) tensor and frees as nothing.
typedef struct mt_tensor_s *mt_tensor;
typedef struct mt_operator_s *mt_operator;
typedef struct mt_stack_s *mt_stack;
typedef struct mt_store_s *mt_store;
typedef struct mt_group_s *mt_group;
typedef struct mt_work_s *mt_work;

// Device kinds and element types carry libtorch's own numbers (checked where they are compiled).
typedef struct mt_device {
    int32_t kind;
    int32_t index;
} mt_device;

const char *mt_error_message(void);

// --- version.cpp: what was built and what runs
#define MT_ABI_VERSION 1
int32_t mt_abi_version(void);
const char *mt_torch_version(void);     // the libtorch release the shim was compiled against, such as "2.13.0"
mt_status mt_check_runtime(void);       // fails when the libtorch that was loaded is of another release
bool mt_has_cuda(void);
int32_t mt_cuda_device_count(void);
bool mt_has_nccl(void);
const char *mt_instruction_set(void);   // the vector extension libtorch chose, such as "AVX512"
const char *mt_kernel_set(void);        // the copy of our own kernels that runs, such as "avx2"
bool mt_multiplies_bfloat(void);        // whether bfloat16 products are left to the processor, or widened

// --- tensor.cpp
mt_status mt_tensor_empty(const int64_t *shape, size_t rank, int32_t dtype, mt_device device, mt_tensor *out);
mt_status mt_tensor_from_bytes(
    const void *bytes, size_t count, const int64_t *shape, size_t rank, int32_t dtype, mt_tensor *out);
// The memory stays the caller's: `release(context)` is called once, when nothing uses it any more.
mt_status mt_tensor_over_memory(
    void *bytes, size_t count, const int64_t *shape, size_t rank, int32_t dtype, void (*release)(void *context),
    void *context, mt_tensor *out);
mt_status mt_tensor_copy_to_bytes(mt_tensor tensor, void *bytes, size_t count);
mt_status mt_tensor_copy_from_bytes(mt_tensor tensor, const void *bytes, size_t count);
mt_status mt_tensor_data(mt_tensor tensor, void **out);
mt_status mt_tensor_item(mt_tensor tensor, double *out);
mt_status mt_tensor_item_integer(mt_tensor tensor, int64_t *out);
mt_status mt_tensor_alias(mt_tensor tensor, mt_tensor *out);  // another handle on the same tensor
size_t mt_tensor_rank(mt_tensor tensor);
void mt_tensor_shape(mt_tensor tensor, int64_t *out);
void mt_tensor_strides(mt_tensor tensor, int64_t *out);
int64_t mt_tensor_count(mt_tensor tensor);
int32_t mt_tensor_dtype(mt_tensor tensor);
mt_device mt_tensor_device(mt_tensor tensor);
bool mt_tensor_is_contiguous(mt_tensor tensor);
bool mt_tensor_is_same(mt_tensor a, mt_tensor b);
void mt_tensor_free(mt_tensor tensor);
int64_t mt_live_tensors(void);  // handles not yet freed, for tests of leaks
size_t mt_dtype_size(int32_t dtype);

// --- dispatch.cpp: every ATen and molt operator, with autograd and autocast.
// Arguments are pushed in the schema's order; trailing ones with defaults may be left out. A push that fails makes the
// call fail.
mt_status mt_operator_find(const char *name, const char *overload, mt_operator *out);  // lives for ever
mt_stack mt_stack_new(void);
void mt_stack_free(mt_stack stack);
void mt_push_tensor(mt_stack stack, mt_tensor tensor);  // NULL is none
void mt_push_tensors(mt_stack stack, const mt_tensor *tensors, size_t count);
void mt_push_int(mt_stack stack, int64_t value);
void mt_push_double(mt_stack stack, double value);
void mt_push_bool(mt_stack stack, bool value);
void mt_push_string(mt_stack stack, const char *bytes, size_t count);
void mt_push_ints(mt_stack stack, const int64_t *values, size_t count);
void mt_push_doubles(mt_stack stack, const double *values, size_t count);
void mt_push_bools(mt_stack stack, const bool *values, size_t count);
void mt_push_device(mt_stack stack, mt_device device);
void mt_push_none(mt_stack stack);
mt_status mt_call(mt_operator op, mt_stack stack);  // leaves the results on the stack
size_t mt_stack_count(mt_stack stack);
mt_status mt_take_tensor(mt_stack stack, size_t index, mt_tensor *out);
mt_status mt_take_tensor_count(mt_stack stack, size_t index, size_t *out);
mt_status mt_take_tensors(mt_stack stack, size_t index, mt_tensor *out, size_t count);
mt_status mt_take_int(mt_stack stack, size_t index, int64_t *out);
mt_status mt_take_double(mt_stack stack, size_t index, double *out);
mt_status mt_take_bool(mt_stack stack, size_t index, bool *out);

// --- autograd.cpp
mt_status mt_requires_grad_set(mt_tensor tensor, bool value);
bool mt_requires_grad(mt_tensor tensor);
bool mt_is_leaf(mt_tensor tensor);
mt_status mt_grad_get(mt_tensor tensor, mt_tensor *out);
mt_status mt_grad_set(mt_tensor tensor, mt_tensor gradient);  // NULL removes it
mt_status mt_backward(
    const mt_tensor *roots, const mt_tensor *gradients, size_t count, bool keep_graph);  // gradients may be NULL
mt_status mt_gradients(
    const mt_tensor *outputs, const mt_tensor *output_gradients, size_t output_count, const mt_tensor *inputs,
    size_t input_count, bool keep_graph, bool create_graph, bool allow_unused, mt_tensor *out);
bool mt_grad_mode(void);
void mt_grad_mode_set(bool enabled);
// Called after a leaf's gradient was accumulated, on the thread that runs backward. Not zero: backward fails.
typedef int32_t (*mt_gradient_hook)(void *context);
mt_status mt_hook_set(mt_tensor leaf, mt_gradient_hook hook, void *context);
mt_status mt_hook_remove(mt_tensor leaf);

// --- autocast.cpp
typedef struct mt_autocast {
    bool enabled;
    int32_t dtype;
} mt_autocast;
mt_status mt_autocast_enter(int32_t device_kind, mt_autocast wanted, mt_autocast *previous);
mt_status mt_autocast_exit(int32_t device_kind, mt_autocast previous);
mt_status mt_autocast_clear_cache(void);

// --- random.cpp
mt_status mt_seed(uint64_t seed);
mt_status mt_random_state_size(mt_device device, size_t *out);
mt_status mt_random_state_get(mt_device device, uint8_t *bytes, size_t count);
mt_status mt_random_state_set(mt_device device, const uint8_t *bytes, size_t count);

// --- threads.cpp
int32_t mt_threads(void);
mt_status mt_threads_set(int32_t count);
int32_t mt_interop_threads(void);
mt_status mt_interop_threads_set(int32_t count);  // once, before the first parallel work
mt_status mt_deterministic_set(bool enabled);

// --- linear.cpp: which library multiplies fp32 matrices on CPUs in molt::linear, for each of its three products
typedef enum mt_library : int32_t { MT_MKL = 0, MT_ONEDNN = 1 } mt_library;
typedef struct mt_matmul {
    mt_library forward;
    mt_library input_gradient;
    mt_library weight_gradient;
} mt_matmul;
void mt_matmul_set(mt_matmul choice);
mt_matmul mt_matmul_get(void);

// --- distributed.cpp
typedef enum mt_reduction : int32_t { MT_SUM = 0, MT_MAX = 1, MT_MIN = 2 } mt_reduction;
// Rank 0 serves the store at host:port; the call returns when every rank is there, or fails at the timeout.
mt_status mt_store_connect(
    const char *host, uint16_t port, int32_t rank, int32_t size, int64_t timeout_ms, mt_store *out);
void mt_store_free(mt_store store);
// backend "gloo" or "nccl"; `prefix` tells the groups of one store apart; `interface` may be NULL.
mt_status mt_group_create(
    mt_store store, const char *prefix, const char *backend, const char *interface, int32_t rank, int32_t size,
    int64_t timeout_ms, mt_group *out);
mt_status mt_all_reduce(mt_group group, mt_tensor tensor, mt_reduction reduction, mt_work *out);
mt_status mt_broadcast(mt_group group, mt_tensor tensor, int32_t root, mt_work *out);
mt_status mt_all_gather(mt_group group, mt_tensor input, const mt_tensor *outputs, size_t count, mt_work *out);
mt_status mt_reduce_scatter(
    mt_group group, const mt_tensor *inputs, size_t count, mt_tensor output, mt_reduction reduction, mt_work *out);
mt_status mt_send(mt_group group, mt_tensor tensor, int32_t to, int32_t tag, mt_work *out);
mt_status mt_receive(mt_group group, mt_tensor tensor, int32_t from, int32_t tag, mt_work *out);
mt_status mt_barrier(mt_group group, mt_work *out);
mt_status mt_work_wait(mt_work work, int64_t timeout_ms);
void mt_work_free(mt_work work);
void mt_group_free(mt_group group);

#ifdef __cplusplus
}
#endif
